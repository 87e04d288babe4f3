"""Everything that changes suggestions, plays, steps and tasks.

Each takes the acting person as `by`, who must see the account and hold the right to work the queue, and the `version`
that was read; raises Missing, StaleRow, Refused or BadInput (playbooks.exceptions); and is harmless when sent twice.
"""

from playbooks.services.bulk import RowResult, bulk_accept, bulk_dismiss, bulk_snooze
from playbooks.services.concessions import ask_concession
from playbooks.services.decisions import (
    SNOOZE_MOST_DAYS,
    UNDO_SECONDS,
    accept,
    dismiss,
    snooze,
    undo,
)
from playbooks.services.holding import is_anything_waiting, resume_held, suggest_or_hold
from playbooks.services.plays import cancel_play, close_play, start_play
from playbooks.services.setup import install_defaults
from playbooks.services.suggestions import Signal, suggest, suggest_gains, wake_snoozed
from playbooks.services.todo import add_task, complete_task, reopen_task, skip_step
from playbooks.services.writeback import Result, follow_writes

__all__ = [
    "SNOOZE_MOST_DAYS",
    "UNDO_SECONDS",
    "Result",
    "RowResult",
    "Signal",
    "accept",
    "add_task",
    "ask_concession",
    "bulk_accept",
    "bulk_dismiss",
    "bulk_snooze",
    "cancel_play",
    "close_play",
    "complete_task",
    "dismiss",
    "follow_writes",
    "install_defaults",
    "is_anything_waiting",
    "reopen_task",
    "resume_held",
    "skip_step",
    "snooze",
    "start_play",
    "suggest",
    "suggest_gains",
    "suggest_or_hold",
    "undo",
    "wake_snoozed",
]
