"""The arithmetic of seals, against values worked out by hand from the description in ADR 0004."""

import hashlib
from datetime import UTC, datetime

import pytest

from audit import merkle


def sha(data):
    return hashlib.sha256(data).digest()


def test_a_leaf_is_the_hash_of_length_prefixed_fields():
    fields = [7, "ab", None, datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)]
    parts = [b"7", b"ab", None, b"1000005"]
    raw = b"\x00" + b"".join(b"\xff" * 8 if p is None else len(p).to_bytes(8, "big") + p for p in parts)
    assert merkle.leaf(fields) == sha(raw)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["", "a"], ["a", ""]),
        ([None], [""]),
        ([None], ["\xff" * 8]),
        (["1"], ["1", ""]),
    ],
)
def test_fields_cannot_be_shifted_into_each_other(one, other):
    assert merkle.leaf(one) != merkle.leaf(other)


def test_the_root_pairs_leaves_and_lifts_the_odd_one():
    a, b, c = (sha(bytes([n])) for n in (1, 2, 3))
    assert merkle.root([a]) == a.hex()
    assert merkle.root([a, b]) == sha(b"\x01" + a + b).hex()
    assert merkle.root([a, b, c]) == sha(b"\x01" + sha(b"\x01" + a + b) + c).hex()
    assert len({merkle.root(order) for order in ([a, b, c], [b, a, c], [a, c, b], [a, b, c, c])}) == 4
    with pytest.raises(ValueError, match="at least one"):
        merkle.root([])


def test_a_seal_covers_the_one_before_the_root_the_count_and_the_place():
    previous, root = "0" * 64, "1f" * 32
    numbers = b"".join(n.to_bytes(8, "big") for n in (3, 1, 700, 42))
    wanted = sha(bytes.fromhex(previous) + bytes.fromhex(root) + numbers).hex()
    assert merkle.seal_hash(previous, root, 3, (1, 700, 42)) == wanted
