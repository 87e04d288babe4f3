"""Events of a play as lines for people. Pure: an event in, an icon and words out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class Event(Protocol):
    verb: str
    at: datetime
    actor_kind: str
    actor_label: str
    decision_ref: str
    diff: dict[str, Any]


@dataclass(frozen=True)
class Line:
    at: datetime
    icon: str
    text: str
    who: str
    ref: str  # the approval request it belongs to


# verb: icon, and words that may name parts of the event's `after`
WORDS = {
    "playbooks.recommended": ("flag", "Suggested"),
    "playbooks.woken": ("clock", "Suggested again: {why}"),
    "playbooks.accepted": ("flag", "Play accepted from the queue"),
    "playbooks.snoozed": ("clock", "Suggestion snoozed until {until}"),
    "playbooks.undone": ("prev", "Taken back"),
    "playbooks.play_started": ("flag", "Started with {steps} steps"),
    "playbooks.play_closed": ("good", "Closed: {outcome}"),
    "playbooks.play_cancelled": ("stop", "Stopped: {comment}"),
    "playbooks.step_done": ("check", "Step {position} done: {step}"),
    "playbooks.step_skipped": ("cross", "Step {position} left out: {reason}"),
    "playbooks.step_failed": ("crit", "Write-back refused: {reason}"),
    "playbooks.step_blocked": ("clock", "Write-back waits: {reason}"),
    "playbooks.step_resent": ("up", "Write-back sent again"),
    "playbooks.task_reopened": ("prev", "Step {position} opened again: {step}"),
    "playbooks.concession_asked": ("money", "Asked for approval: {offer}"),
    "approvals.decided": ("user", "Answered: {verdict}"),
    "approvals.withdrawn": ("prev", "Request withdrawn"),
    "approvals.expired": ("clock", "Request expired without an answer"),
    "approvals.voided": ("cross", "Request void: {reason}"),
    "integrations.write_done": ("good", "Written back"),
}
VALUES = {
    "saved": "saved",
    "partly_saved": "partly saved",
    "lost": "lost",
    "no_response": "no response",
    "too_early": "too early to say",
    "approved": "approved",
    "rejected": "rejected",
    "changes_requested": "changes asked for",
}


def tell(events: Iterable[Event]) -> list[Line]:
    """The lines, in the events' order. What only repeats another event's news is left out."""
    return [_line(event) for event in events if event.verb in WORDS and not _is_echo(event)]


def _is_echo(event: Event) -> bool:
    """A concession's step is done because its write is: that event has its own line."""
    return event.verb == "playbooks.step_done" and bool(event.decision_ref)


def _line(event: Event) -> Line:
    icon, words = WORDS[event.verb]
    after = event.diff.get("after") or {}
    named = _Named({name: VALUES.get(str(value), str(value)) for name, value in after.items()})
    comment = after.get("comment") if event.verb == "approvals.decided" else ""
    text = words.format_map(named).strip().rstrip(":")
    return Line(
        at=event.at,
        icon=icon,
        text=f"{text}. “{comment}”" if comment else text,
        who=event.actor_label if event.actor_kind == "person" else "",
        ref=event.decision_ref,
    )


class _Named(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""
