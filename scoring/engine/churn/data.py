"""What a chance of leaving is learned from: accounts at as-of days ("landmarks"), and what became of them.

A period's outcome is known when the whole period has been seen. Person-periods are never written out: features stand
still over an account's periods, so that a row of features serves all of them (landmark stacking: van Houwelingen 2007).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PERIODS = (30, 60, 90, 180, 270, 365)  # ends, in days after the as-of day
STARTS = (0, *PERIODS[:-1])
SHOWN = 3  # p30, p60, p90 end with the first three periods


@dataclass(frozen=True)
class Stack:
    """n observations of f features. `seen_for` runs to the end of what is known, also for one that has left before."""

    x: Floats  # n x f, NaN: no value; float32 will do where memory is short
    names: tuple[str, ...]  # f
    account: Ints  # n; the group of every bootstrap and split
    day: Ints  # n; as-of, days since 1970-01-01
    segment: Ints  # n; place in segments, -1 none
    segments: tuple[str, ...]
    arr: Floats  # n, NaN unknown
    renewal_in: Floats  # n; days to the end of the main term, below zero: past, NaN: none
    term_days: Floats  # n; its length, NaN unknown
    leaves_in: Floats  # n; days to leaving, inf: not seen to leave
    seen_for: Floats  # n; days after the as-of day whose outcome is known
    weight: Floats | None = None  # n; how many observations a row stands for, None: one each

    def __len__(self) -> int:
        return len(self.account)

    @property
    def weights(self) -> Floats:
        return np.ones(len(self)) if self.weight is None else self.weight


PER_ROW = ("x", "account", "day", "segment", "arr", "renewal_in", "term_days", "leaves_in", "seen_for")


def take(stack: Stack, rows: Ints | Bools) -> Stack:
    """The rows that are asked for, in that order."""
    picked = {name: getattr(stack, name)[rows] for name in PER_ROW}
    return replace(stack, **picked, weight=None if stack.weight is None else stack.weight[rows])


def blank(stack: Stack, names: Collection[str]) -> Stack:
    """The same rows without a value of these features; the stack itself where it has none of them."""
    places = [at for at, name in enumerate(stack.names) if name in names]
    if not places:
        return stack
    x = stack.x.copy()
    x[:, places] = np.nan
    return replace(stack, x=x)


def columns(stack: Stack, names: tuple[str, ...]) -> Floats:
    """n x len(names): the features in the order that a model wants; a name that is not there has no values."""
    places = {name: at for at, name in enumerate(stack.names)}
    x = np.full((len(stack), len(names)), np.nan)
    for at, name in enumerate(names):
        if name in places:
            x[:, at] = stack.x[:, places[name]]
    return x


def check(stack: Stack) -> None:
    """ValueError names the first thing that cannot be learned from."""
    for name in PER_ROW:
        if len(getattr(stack, name)) != len(stack):
            raise ValueError(f"{name} has {len(getattr(stack, name))} rows, not {len(stack)}")
    if stack.x.shape != (len(stack), len(stack.names)):
        raise ValueError(f"x is {stack.x.shape}, not {(len(stack), len(stack.names))}")
    if np.isnan(stack.leaves_in).any() or (stack.leaves_in < 0).any():
        raise ValueError("leaves_in is not a number of days from zero on")
    left = np.isfinite(stack.leaves_in)
    if left.any() and np.all(stack.seen_for[left] <= stack.leaves_in[left]):
        raise ValueError("seen_for ends when accounts leave; it must run to the end of what is known")


def order_of(stack: Stack) -> Ints:
    return np.lexsort((stack.leaves_in, stack.renewal_in, stack.day, stack.account))


def in_order(stack: Stack) -> Stack:
    """Sorted by account, day and outcome, so that the order of the rows changes no figure."""
    return take(stack, order_of(stack))


@dataclass(frozen=True)
class Outcomes:
    """n x periods: whether the period counts, and whether the account left in it."""

    counts: Bools
    leaves: Bools


def outcomes(stack: Stack, *, before: int | None = None) -> Outcomes:
    """A period counts when the account was there at its start and all of it was seen (before the day `before`)."""
    seen = stack.seen_for if before is None else np.minimum(stack.seen_for, before - stack.day)
    starts, ends = np.array(STARTS), np.array(PERIODS)
    counts = (stack.leaves_in[:, None] >= starts) & (seen[:, None] >= ends)
    return Outcomes(counts, counts & (stack.leaves_in[:, None] < ends))


def leavers(stack: Stack, *, before: int | None = None) -> int:
    """Accounts that were seen to leave in a period that counts."""
    return len(np.unique(stack.account[outcomes(stack, before=before).leaves.any(axis=1)]))


def spread_key(account: Ints, day: Ints, seed: int) -> Floats:
    """A number in [0, 1) that depends on account, day and seed alone (splitmix64), not on the row's place."""
    with np.errstate(over="ignore"):
        z = account.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + day.astype(np.uint64)
        z = z + np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def thinned(stack: Stack, most_quiet: int, *, seed: int) -> Stack:
    """In order, every row whose account leaves within 90 days, and at most about `most_quiet` of the others.

    Those stand for all by weight, so that levels stay what they are (weighted case-control: Manski and Lerman 1977;
    King and Zeng 2001, section 4). Landmarks of one account resemble each other: little is lost. Who leaves later is
    among the others: of what today says of far periods little is learnt anyway (`fading`). Only what is kept is copied.
    """
    seen = outcomes(stack)
    counted, leaves = seen.counts.any(axis=1), seen.leaves[:, :SHOWN].any(axis=1)
    quiet = counted & ~leaves
    share = min(most_quiet / max(int(quiet.sum()), 1), 1.0)
    kept = counted & (leaves | (spread_key(stack.account, stack.day, seed) < share))
    weight = stack.weights * np.where(quiet, 1.0 / share, 1.0)
    order = order_of(stack)
    return take(replace(stack, weight=weight), order[kept[order]])
