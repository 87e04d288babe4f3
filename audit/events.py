"""One event as readers get it: plain values, so that nobody needs the table."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

Key = tuple[int, int, int]
ORIGIN: Key = (0, 0, 0)


@dataclass(frozen=True)
class Event:
    """What happened; `key` (epoch, xid, id) is its place in the log."""

    key: Key
    at: datetime
    verb: str
    actor_kind: str
    actor_id: str
    actor_label: str
    object_type: str
    object_id: str
    object_label: str
    account_id: int | None
    decision_ref: str
    diff: dict[str, Any]
    request_id: str

    @property
    def before(self) -> dict[str, Any] | None:
        return self.diff.get("before")

    @property
    def after(self) -> dict[str, Any] | None:
        return self.diff.get("after")
