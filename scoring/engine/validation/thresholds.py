"""The threshold for a precision that a tenant chose, with the recall that goes with it.

Source: a sweep over the precision-recall curve. The best of many thresholds looks better than it is, so a threshold
rests on at least `least` flagged rows and must be judged on later rows than those that chose it.
"""

from typing import Any

import numpy as np

from .intervals import draw, number, rate_figure
from .rows import Floats, Ints

LEAST_FLAGGED = 10


def choose_threshold(
    p: Floats,
    y: Floats,
    precision: float,
    *,
    account: Ints | None = None,
    draws: int = 500,
    seed: int = 0,
    least: int = LEAST_FLAGGED,
) -> dict[str, Any]:
    """The lowest threshold (flag: p >= threshold) at which `precision` holds on these rows.

    Returns {reached, threshold, precision, recall, flagged, wanted, best, words}: precision and recall are figures
    with interval (accounts resampled; each row its own account without `account`), None where it is not reached;
    `best` is the highest precision that any threshold with `least` flagged rows has.
    """
    left = np.asarray(y, dtype=np.float64)
    cuts, precisions, flagged = _curve(p, left, least)
    made: dict[str, Any] = {"wanted": precision, "best": number(precisions.max()) if cuts.size else None}
    holds = np.flatnonzero(precisions >= precision - 1e-12)
    if not holds.size:
        return made | {
            "reached": False, "threshold": None, "precision": None, "recall": None, "flagged": 0,
            "words": _why_not(cuts, precisions, precision, left, least),
        }  # fmt: skip
    at = int(holds[-1])  # thresholds fall along the curve
    groups = np.arange(p.size) if account is None else account
    caught, found = _figures(p >= cuts[at], left, groups, draws, seed)
    return made | {
        "reached": True, "threshold": float(cuts[at]), "precision": caught, "recall": found,
        "flagged": int(flagged[at]),
        "words": f"At {cuts[at]:.1%} and above, {caught['value']:.0%} of {flagged[at]} flagged rows left, "
        f"and {found['value']:.0%} of the {int(left.sum())} that left were flagged.",
    }  # fmt: skip


def _curve(p: Floats, y: Floats, least: int) -> tuple[Floats, Floats, Ints]:
    """(thresholds, precision, flagged rows) from the highest down, at the values of p only; at least `least` rows."""
    values, place, count = np.unique(p, return_inverse=True, return_counts=True)
    flagged = np.cumsum(count[::-1])
    caught = np.cumsum(np.bincount(place, y, minlength=values.size)[::-1])
    enough = flagged >= least
    return values[::-1][enough], (caught / flagged)[enough], flagged[enough]


def _figures(
    flags: Any, y: Floats, account: Ints, draws: int, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(precision, recall) with their intervals."""
    flag = flags.astype(np.float64)
    sums = draw(account, draws=draws, seed=seed).sums(np.column_stack([flag, y, flag * y]))
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = sums[:, 2] / sums[:, 0], sums[:, 2] / sums[:, 1]
    behind = [int(np.unique(account[rows]).size) for rows in (flags, y > 0)]
    hits = sums[0, 2]
    return (
        rate_figure(precision, hits=hits, n=sums[0, 0], accounts=behind[0]),
        rate_figure(recall, hits=hits, n=sums[0, 1], accounts=behind[1]),
    )


def _why_not(cuts: Floats, precisions: Floats, wanted: float, y: Floats, least: int) -> str:
    if not cuts.size:
        return f"{y.size} rows are too few: a threshold rests on {least} flagged rows at least."
    best = int(np.argmax(precisions))
    return (
        f"No threshold reaches {wanted:.0%}: the best is {precisions[best]:.0%} at {cuts[best]:.1%} and above "
        f"({int(y.sum())} of {y.size} rows left)."
    )
