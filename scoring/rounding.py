"""Shown numbers that add up: largest remainder in plain Python, for pages (the engine has its own for arrays)."""

from collections.abc import Sequence
from decimal import Decimal
from math import floor


def add_up(parts: Sequence[float | Decimal], total: int) -> list[int]:
    """Whole numbers near `parts` whose sum is `total`, the parts' own sum rounded. Earlier parts win ties."""
    floors = [floor(part) for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda at: (floors[at] - parts[at], at))
    for at in by_rest[: max(total - sum(floors), 0)]:
        floors[at] += 1
    return floors
