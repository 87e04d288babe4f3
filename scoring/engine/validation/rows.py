"""What a measure needs to know of observations, and which outcomes are known.

An observation is one account at one as-of day. `Rows` names the part of `churn.data.Stack` that is read here, so that
the two packages can be tested apart. Days are whole days, a window is `[as-of, as-of + h)` (ADR 0018).
"""

import dataclasses
from typing import Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HORIZONS = (30, 60, 90)


class Rows(Protocol):
    """n observations; the shapes and units are those of `Stack`."""

    @property
    def account(self) -> Ints: ...
    @property
    def day(self) -> Ints: ...
    @property
    def segment(self) -> Ints: ...
    @property
    def segments(self) -> tuple[str, ...]: ...
    @property
    def arr(self) -> Floats: ...
    @property
    def leaves_in(self) -> Floats: ...
    @property
    def seen_for(self) -> Floats: ...


AnyRows = TypeVar("AnyRows", bound=Rows)


def outcome(rows: Rows, horizon: float) -> tuple[Bools, Bools]:
    """(known, left) for one horizon, n each; `left` means something only where `known`.

    A window that is not closed is censored. That holds for those who left in it too: to keep the leavers of an open
    window and to drop its stayers would raise the rate. A window is closed on a day when anybody's outcome is known
    that far (`seen_for` may end at leaving).
    """
    left = rows.leaves_in < horizon
    days, place = np.unique(rows.day, return_inverse=True)
    reach = np.full(days.size, -np.inf)
    np.maximum.at(reach, place, rows.seen_for)
    closed = reach[place] >= horizon
    return (rows.seen_for >= horizon) | (left & closed), left


def known_at(rows: AnyRows, day: int) -> AnyRows:
    """The same observations as somebody knew them when `day` began: later leavings unseen, later days unknown.

    A model of one origin must be fitted on these: its periods reach beyond the horizon that the split embargoes.
    """
    reach = np.maximum(day - rows.day, 0).astype(np.float64)
    seen = np.minimum(rows.seen_for, reach)
    leaves = np.where(rows.leaves_in < reach, rows.leaves_in, np.inf)
    changed = dataclasses.replace(cast("object", rows), leaves_in=leaves, seen_for=seen)  # type: ignore[type-var]
    return cast("AnyRows", changed)
