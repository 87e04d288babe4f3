"""Everything that changes suggestions, plays, steps and tasks.

Each takes the acting person as `by`, who must see the account and hold the right to work the queue, and the `version`
that was read; raises Missing, StaleRow, Refused or BadInput (playbooks.exceptions); and is harmless when sent twice.
"""

from playbooks.services.bulk import RowResult, bulk_accept, bulk_dismiss, bulk_snooze
from playbooks.services.decisions import (
    SNOOZE_MOST_DAYS,
    UNDO_SECONDS,
    accept,
    dismiss,
    snooze,
    undo,
)
from playbooks.services.plays import cancel_play, close_play, start_play
from playbooks.services.setup import install_defaults
from playbooks.services.suggestions import Signal, suggest, wake_snoozed

__all__ = [
    "SNOOZE_MOST_DAYS",
    "UNDO_SECONDS",
    "RowResult",
    "Signal",
    "accept",
    "bulk_accept",
    "bulk_dismiss",
    "bulk_snooze",
    "cancel_play",
    "close_play",
    "dismiss",
    "install_defaults",
    "snooze",
    "start_play",
    "suggest",
    "undo",
    "wake_snoozed",
]
