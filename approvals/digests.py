"""The fingerprint that ties a yes to one exact content: the same meaning always gives the same text."""

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """The value as JSON that survives the database unchanged: money and days become text.

    A float is refused: 0.1 + 0.2 reads differently on its way through the database, and the yes would not fit any more.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        return {_name(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    raise TypeError(
        f"{value!r} ({type(value).__name__}) has no exact JSON form: use Decimal, text or a whole number"
    )


def canonical(payload: Any) -> str:
    """One text for one meaning: sorted names, no spaces."""
    return json.dumps(plain(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(payload: Any) -> str:
    """sha256 of the canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(payload).encode()).hexdigest()


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"names in a payload are text, not {name!r}")
    return name
