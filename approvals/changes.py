"""A payload as lines that a person can read: where, now, after. The exact payload stands beside them."""

from collections.abc import Iterator
from typing import Any

from approvals.models import ApprovalRequest
from approvals.registry import Change, kinds
from config.templatetags import words

EMPTY = "empty"
WRITEBACK = "Writeback"  # what a payload without systems of its own goes to


def changes_of(request: ApprovalRequest) -> list[Change]:
    """The kind's own lines, else the payload's list of writes, else every value by its name."""
    kind = kinds.get(request.kind)
    if kind is not None and kind.changes is not None:
        return kind.changes(request)
    payload = request.payload
    writes = payload.get("writes") if isinstance(payload, dict) else None
    if isinstance(writes, list) and writes and all(isinstance(each, dict) for each in writes):
        return [_write(each) for each in writes]
    leaves = sorted(_leaves(payload), key=lambda leaf: (_is_reference(leaf[0]), leaf[0]))
    return [_value(path, value, payload) for path, value in leaves]


def _value(path: tuple[str, ...], value: Any, payload: Any) -> Change:
    """One value under its name, with its unit where the name tells which."""
    name, shown = " · ".join(path), _text(value)
    if words.number(value) is not None and path[-1].endswith("_pct"):
        name, shown = name.removesuffix("_pct"), f"{shown}%"
    elif words.number(value) is not None and path[-1] == "cost":
        shown = words.money_full(value, str(payload.get("currency") or ""))
    return Change(WRITEBACK, _name(name), words.DASH, shown)


def _is_reference(path: tuple[str, ...]) -> bool:
    """Keys of rows tell a person least, so they come last."""
    return path[-1] == "kind" or path[-1].endswith("_id")


def _write(line: dict[str, Any]) -> Change:
    known = "before" in line or "now" in line
    now = _text(line.get("before", line.get("now"))) if known else words.DASH
    return Change(_text(line.get("system", "")), _text(line.get("field", "")), now, _text(line.get("after")))


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path, names in order, so that two readings look the same."""
    if isinstance(value, dict) and value:
        for name in sorted(value):
            yield from _leaves(value[name], (*path, name))
    elif isinstance(value, list) and value:
        for number, part in enumerate(value, start=1):
            yield from _leaves(part, (*path, str(number)))
    else:
        yield path or ("value",), value


def _name(text: str) -> str:
    plain = text.replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
