"""The arithmetic of a seal: pure functions over bytes, so that a seal can be recomputed anywhere (ADR 0004).

A leaf is sha256 over an event's fields, each with its length before it, so that no two events read the same. Leaves
and nodes begin with different bytes, so that neither can be passed off as the other.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from audit.events import Key

Field = str | int | datetime | None
NOTHING_BEFORE = "0" * 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT = b"\xff" * 8
_LEAF, _NODE = b"\x00", b"\x01"


def leaf(fields: Iterable[Field]) -> bytes:
    """The canonical hash of one event."""
    digest = hashlib.sha256(_LEAF)
    for field in fields:
        if field is None:
            digest.update(_ABSENT)
            continue
        text = _as_bytes(field)
        digest.update(len(text).to_bytes(8, "big"))
        digest.update(text)
    return digest.digest()


def _as_bytes(field: str | int | datetime) -> bytes:
    if isinstance(field, datetime):
        field = (field - _EPOCH) // timedelta(microseconds=1)
    return str(field).encode()


def root(leaves: Sequence[bytes]) -> str:
    """The Merkle root; a node without a partner moves up as it is."""
    if not leaves:
        raise ValueError("a seal holds at least one event")
    level = list(leaves)
    while len(level) > 1:
        paired = [
            hashlib.sha256(_NODE + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0].hex()


def seal_hash(previous: str, merkle_root: str, count: int, last_key: Key) -> str:
    """sha256(previous seal || root || number of events || key of the last one)."""
    numbers = b"".join(number.to_bytes(8, "big") for number in (count, *last_key))
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(merkle_root) + numbers).hexdigest()
