"""From indicator values to health: curves, weights, missing values, contributions that add up, bands.

Scores, weights and health are whole hundredths, and sums run over integers: no order of rows or of additions can
change a figure, and contributions add up to health exactly (largest remainder), not nearly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
HUNDREDTHS = 100
FULL = 100 * HUNDREDTHS
NEUTRAL_SCORE = 50 * HUNDREDTHS
UNKNOWN = -1  # health of an account below the least coverage


@dataclass(frozen=True)
class Policy:
    """What one policy version says, in the order of the catalogue. Weight 0: not used."""

    weights: Ints  # hundredths, one an indicator
    curves: tuple[tuple[Floats, Floats], ...]
    neutral_when_missing: bool
    min_coverage: int  # hundredths of a per cent
    cuts: tuple[int, int, int]  # at_risk_from, watch_from, healthy_from, in hundredths
    optional: Bools | None = None  # one an indicator: whether having no value is no gap


@dataclass(frozen=True)
class Health:
    """One row an account, one column an indicator; all in hundredths of a point."""

    health: Ints  # UNKNOWN below the least coverage
    band: Ints  # 0 critical, 1 at_risk, 2 watch, 3 healthy, -1 unknown
    coverage: Ints
    scores: Ints  # -1: no value
    points: Ints  # adds up to health
    lost: Ints  # adds up to 100 - health


def on_curve(values: Floats, xs: Floats, ys: Floats) -> Ints:
    """Points of 100, in hundredths, from a piecewise linear curve that is flat beyond its ends; -1 for NaN."""
    known = ~np.isnan(values)
    points = np.interp(np.where(known, values, 0.0), xs, ys)
    return np.where(known, np.floor(points * HUNDREDTHS + 0.5).astype(np.int64), -1)


def apportion(parts: Ints, total: Ints) -> Ints:
    """Whole shares of `total` in the ratio of `parts`, row by row, by largest remainder; earlier columns win ties."""
    whole = parts.sum(axis=1)
    divisor = np.maximum(whole, 1)[:, None]
    shares, rest = np.divmod(parts * total[:, None], divisor)
    lacking = np.where(whole > 0, total - shares.sum(axis=1), 0)
    rank = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1, kind="stable")
    return shares + (rank < lacking[:, None])


def compute(values: Floats, policy: Policy) -> Health:
    """Health of every row of `values` (accounts x indicators) under one policy."""
    scores = np.column_stack(
        [on_curve(values[:, at], xs, ys) for at, (xs, ys) in enumerate(policy.curves)]
        or [np.empty((len(values), 0), dtype=np.int64)]
    )
    known = scores >= 0
    weights = np.broadcast_to(policy.weights, scores.shape)
    # who does not take part in something optional neither lacks it nor counts as middling
    expected = np.ones_like(known) if policy.optional is None else known | ~policy.optional
    wanted = np.maximum(np.where(expected, weights, 0).sum(axis=1), 1)
    coverage = np.where(known, weights, 0).sum(axis=1) * FULL // wanted
    counted = expected if policy.neutral_when_missing else known
    used = np.where(counted, weights, 0)
    taken = np.where(known, scores, NEUTRAL_SCORE)
    gained, missed = used * taken, used * (FULL - taken)
    weight = np.maximum(used.sum(axis=1), 1)
    health = (2 * gained.sum(axis=1) + weight) // (2 * weight)  # rounded half up
    is_known = (coverage >= policy.min_coverage) & (coverage > 0)
    points = np.where(is_known[:, None], apportion(gained, health), 0)
    lost = np.where(is_known[:, None], apportion(missed, FULL - health), 0)
    health = np.where(is_known, health, UNKNOWN)
    band = np.where(is_known, np.searchsorted(np.array(policy.cuts), health, side="right"), -1)
    return Health(health, band, coverage, scores, points, lost)
