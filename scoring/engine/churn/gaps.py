"""Who left more often: accounts with a low value of an indicator or with a high one. No model takes part.

Two thirds of the rows are compared, the lowest and the highest by value; the rate is the share of rows whose account
left within the horizon. Intervals draw whole accounts (Field and Welsh 2007), for an account counts on many days and
is much alike on all of them; the cuts between the thirds stand still.
"""

from dataclasses import dataclass

import numpy as np

from .data import Bools, Floats, Ints, Stack
from .importance import LEAST_ACCOUNTS, LEAST_LEAVERS

HORIZON = 90


@dataclass(frozen=True)
class Side:
    """One third: values up to (or from) `cut`."""

    cut: float
    rows: int
    accounts: int
    leavers: int
    rate: float


@dataclass(frozen=True)
class Gap:
    """`value`: rate of the high third less that of the low one, with a 95 % interval and the draws' deviation."""

    name: str
    lower: Side
    upper: Side
    value: float
    low: float
    high: float
    deviation: float


def closed(stack: Stack) -> Bools:
    """Rows whose account was there, and whose window of HORIZON days has been seen whole."""
    return (stack.leaves_in >= 0) & (stack.seen_for >= HORIZON)


def gaps(stack: Stack, inside: Bools, *, draws: int = 300, seed: int = 1) -> list[Gap]:
    """One each column of the rows inside that can be told: twenty accounts on each side, ten leavers on both."""
    rows = np.flatnonzero(inside & closed(stack))
    if not len(rows):
        return []
    left = stack.leaves_in[rows] < HORIZON
    _, number = np.unique(stack.account[rows], return_inverse=True)
    many = int(number.max()) + 1
    chosen = (
        np.random.default_rng(seed).multinomial(many, np.full(many, 1 / many), size=draws).astype(np.float64)
    )
    found = [_gap(name, stack.x[rows, at], left, number, chosen) for at, name in enumerate(stack.names)]
    return [each for each in found if each is not None]


def thirds(x: Floats) -> tuple[Bools, Bools, float, float] | None:
    """(low third, high third, their cuts). Equal values stay together: where they fill more than a third, the thirds
    are those up to them and above them. None where all values are the same."""
    known = x[~np.isnan(x)]
    if not known.size or known.min() == known.max():
        return None
    low, high = (float(each) for each in np.quantile(known, (1 / 3, 2 / 3), method="inverted_cdf"))
    if high == low and high < known.max():
        high = float(known[known > low].min())
    elif high == low:
        low = float(known[known < high].max())
    return x <= low, x >= high, low, high


def _gap(name: str, x: Floats, left: Bools, number: Ints, chosen: Floats) -> Gap | None:
    found = thirds(x.astype(np.float64))
    if found is None:
        return None
    *masks, low_cut, high_cut = found
    lower, upper = (
        _side(mask, left, number, cut) for mask, cut in zip(masks, (low_cut, high_cut), strict=True)
    )
    gone = len(np.unique(number[(masks[0] | masks[1]) & left]))
    if min(lower.accounts, upper.accounts) < LEAST_ACCOUNTS or gone < LEAST_LEAVERS:
        return None
    drawn = _rates(masks[1], left, number, chosen) - _rates(masks[0], left, number, chosen)
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Gap(name, lower, upper, upper.rate - lower.rate, float(low), float(high), float(np.nanstd(drawn)))


def _side(mask: Bools, left: Bools, number: Ints, cut: float) -> Side:
    rows, gone = int(mask.sum()), mask & left
    return Side(
        cut,
        rows,
        len(np.unique(number[mask])),
        len(np.unique(number[gone])),
        float(gone.sum()) / max(rows, 1),
    )


def _rates(mask: Bools, left: Bools, number: Ints, chosen: Floats) -> Floats:
    """The rate of one side in every draw; NaN in a draw that has nobody of it."""
    many = chosen.shape[1]
    gone = chosen @ np.bincount(number[mask & left], minlength=many)
    rows = chosen @ np.bincount(number[mask], minlength=many)
    made: Floats = np.divide(gone, rows, out=np.full(len(rows), np.nan), where=rows > 0)
    return made
