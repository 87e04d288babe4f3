"""An event's before and after as a list that a person can read."""

import json
from dataclasses import dataclass
from typing import Any

LONGEST = 300


@dataclass(frozen=True)
class Change:
    """One thing by name; None on a side where it did not exist."""

    name: str
    before: str | None
    after: str | None

    @property
    def is_long(self) -> bool:
        """Does not fit beside its name."""
        return len(self.before or "") > 40 or len(self.after or "") > 40


def changes(diff: dict[str, Any]) -> list[Change]:
    """What differs between before and after, in the order in which it was written."""
    before, after = _flat(diff.get("before") or {}), _flat(diff.get("after") or {})
    names = [*before, *(name for name in after if name not in before)]
    found = [Change(name, before.get(name), after.get(name)) for name in names]
    return [change for change in found if change.before != change.after]


def _flat(values: Any, prefix: str = "") -> dict[str, str]:
    """Names of nested values joined by " / "."""
    if not isinstance(values, dict):
        return {prefix or "value": _words(values)}
    found: dict[str, str] = {}
    for name, value in values.items():
        words = str(name).replace("_", " ")
        label = f"{prefix} / {words}" if prefix else words[:1].upper() + words[1:]
        if isinstance(value, dict) and value:
            found |= _flat(value, label)
        else:
            found[label] = _words(value)
    return found


def _words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "; ".join(_item(item) for item in value) if isinstance(value, list) else _item(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _item(value: Any) -> str:
    """A record among others by what it says of itself, if it says anything."""
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
