"""When a flag is up and since when: the one rule behind every figure of warning and of false alarms.

Outcomes, post-mortem, quality page, what-if and back-test all count by it (docs/scoring.md, "Flags and warning").
Sources: SCORING.md h ("on for two scorings running, off after two") and issue 4 point 3 (a crossing needs two). A flag
is dated by the scoring at which it went up, which is the second of the two: after the first nobody could know yet
that it would stay. Warning runs from there to the notice, or else to the leaving, and only scorings of days before
that end count. Pure Python, so that pages can use it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

RUNNING = 2  # scorings that must agree, upwards and downwards
IN_TIME_DAYS = (
    14  # a day scored later than that is the past: nobody saw what it says, and what came of it was known
)
LOWER = 0.8  # a chance is calm below this share of the threshold it flags from; in between it changes no flag


def step(up: Any, high: Any, low: Any, is_high: Any, is_low: Any) -> tuple[Any, Any, Any]:
    """(up, high, low) after one more scoring that said something; at first (False, 0, 0).

    `high` and `low` count the scorings running that agree. One account as bool and int, or many as numpy arrays of
    them. A scoring cannot be high and low at once; between the two it breaks both runs and changes no flag.
    """
    high, low = (high + 1) * is_high, (low + 1) * is_low
    return (up & (low < RUNNING)) | (high >= RUNNING), high, low


def went_up(states: Sequence[bool]) -> int | None:
    """The place at which the flag that stands at the end went up; None: none stands."""
    place: int | None = None
    for at, is_up in enumerate(states):
        place = None if not is_up else at if place is None else place
    return place


@dataclass(frozen=True)
class Standing:
    """Since when the flag stands that stood at the end, and when any first went up; None: none did."""

    since: date | None
    first: date | None


def standing(scorings: Iterable[tuple[date, bool, bool]]) -> Standing:
    """Of one account's scorings that said something, oldest first: (day, is high, is low)."""
    days: list[date] = []
    states: list[bool] = []
    up, high, low = False, 0, 0
    for day, is_high, is_low in scorings:
        up, high, low = step(up, high, low, is_high, is_low)
        days.append(day)
        states.append(up)
    at = went_up(states)
    first = states.index(True) if True in states else None
    return Standing(*(None if place is None else days[place] for place in (at, first)))
