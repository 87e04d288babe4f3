"""The reliability diagram: what was said against what happened, bin by bin.

Source: Brocker and Smith 2007; Van Calster et al. 2019 for intervals and against bins too small to read. A bin with
fewer than 5 expected events is joined to its neighbour; where all rows together expect fewer, nothing is drawn.
"""

from typing import Any

import numpy as np

from .intervals import draw, quotient, spread, wilson
from .rows import Floats, Ints

LEAST_EXPECTED = 5.0
BINS = 10


def reliability(
    p: Floats,
    y: Floats,
    account: Ints,
    horizon: int,
    *,
    bins: int = BINS,
    draws: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """Bins from low to high p for JSON: mean p, observed rate with interval, n, events, expected events.

    Wilson's interval where each account has one row, or where all or none of a bin left; else whole accounts drawn.
    """
    left = np.asarray(y, dtype=np.float64)
    made = {"horizon": horizon, "n": int(p.size), "events": int(left.sum()), "least_expected": LEAST_EXPECTED}
    if p.sum() < LEAST_EXPECTED:
        words = (
            f"{p.sum():.1f} leavings were expected in {p.size} rows: too few to draw ({LEAST_EXPECTED:.0f})."
        )
        return made | {"bins": [], "withheld": words, "interval": None}
    place = _bins(p, bins)
    repeated = np.unique(account).size < account.size
    rows = [_bin(p, left, account, np.flatnonzero(place == at)) for at in range(place.max() + 1)]
    if repeated:
        _resampled(rows, place, left, account, draws, seed)
    return made | {"bins": rows, "withheld": "", "interval": "accounts resampled" if repeated else "Wilson"}


def _bins(p: Floats, bins: int) -> Ints:
    """Bins of about equal count with at least 5 expected events; rows of equal p stay together."""
    values, group, count = np.unique(p, return_inverse=True, return_counts=True)
    of_value = np.zeros(values.size, dtype=np.int64)
    at, rows, expected = 0, 0.0, 0.0
    for each in range(values.size):
        of_value[each] = at
        rows, expected = rows + count[each], expected + count[each] * values[each]
        if expected >= LEAST_EXPECTED and rows >= p.size / bins:
            at, rows, expected = at + 1, 0.0, 0.0
    if 0 < at == of_value[-1] and expected < LEAST_EXPECTED:  # what is left over joins the last full bin
        of_value[of_value == at] = at - 1
    return of_value[group]


def _bin(p: Floats, y: Floats, account: Ints, rows: Ints) -> dict[str, Any]:
    n, events, accounts = rows.size, y[rows].sum(), np.unique(account[rows]).size
    low, high = wilson(events / n * accounts, accounts)
    return {
        "from": float(p[rows].min()), "to": float(p[rows].max()), "p": float(p[rows].mean()),
        "rate": float(events / n), "low": low, "high": high,
        "n": int(n), "accounts": int(accounts), "events": int(events), "expected": float(p[rows].sum()),
    }  # fmt: skip


def _resampled(
    rows: list[dict[str, Any]], place: Ints, y: Floats, account: Ints, draws: int, seed: int
) -> None:
    """Put the intervals of resampled accounts into the bins that have both outcomes."""
    inside = np.eye(len(rows))[place]
    sums = draw(account, draws=draws, seed=seed).sums(np.column_stack([inside, inside * y[:, None]]))
    rates = quotient(sums[:, len(rows) :], sums[:, : len(rows)])
    for at, row in enumerate(rows):
        low, high = spread(rates[:, at])
        if low is not None and 0 < row["events"] < row["n"]:
            row["low"], row["high"] = low, high
