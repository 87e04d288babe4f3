"""Do the features still tell who leaves next? Apart from the contract's timing, which tells when anybody would.

A change of what makes customers leave takes the features' worth and leaves timing's: a chance as a whole still ranks
well, because terms go on ending. So it is asked of the features alone: of those who could have left in a week, did
those leave whose features stood high a month before? That is Cox's partial likelihood (1972) with the timing's log-odds
as offset: the level cancels out, each leaver counts once, weeks are uncorrelated, and its score at the slope that was
promised is the most powerful statistic against a flatter one. Its distribution is known from who could have left: no
information is estimated from those who did. Skewness by Cornish and Fisher (1938), since leavers are few.

"A month before": in the last days before an account goes, everything may show it (a notice, an empty office), which is
no foresight. Accounts of the first scoring are asked about at once, since there is no earlier one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .rows import Bools, Floats, Ints, Rows

AHEAD = 28  # days: what was said that long before counts
STEP = 7  # days of one set
LATEST = 28  # days beyond AHEAD after which what was said counts no more
ROUNDS = 40
SURE_ENOUGH = 0.5  # standard error of a slope that says something
LEAST_INFORMATION = 1 / SURE_ENOUGH**2 / 100  # a tenth of what it takes for that, by standard error


@dataclass(frozen=True)
class RiskSets:
    """k rows: who could have left in a week (`group`), what the parts of their chance's log-odds were, who did."""

    features: Floats
    timing: Floats
    left: Bools
    group: Ints


@dataclass(frozen=True)
class Moments:
    """Of the leavers' features, given who could have left and a slope: surprise, and cumulants of what is expected."""

    score: float
    information: float
    third: float


def risk_sets(rows: Rows, features: Floats, timing: Floats, *, since: int, until: int) -> RiskSets:
    """The sets of leavings on days [since, until), by what scorings said AHEAD days before or, of the first, later.

    `features`, `timing`: n each, the parts of the log-odds of leaving within 90 days; NaN where they are not known.
    """
    known = ~np.isnan(features) & ~np.isnan(timing)
    found: list[tuple[Ints, Bools]] = []
    for day, start, end in _weeks(np.unique(rows.day[known]), since, until):
        at = np.flatnonzero(known & (rows.day == day))
        there = (rows.leaves_in[at] >= start - day) & (rows.seen_for[at] >= start - day)
        at = at[there]
        if at.size:
            found.append((at, rows.leaves_in[at] < end - day))
    sizes = [len(at) for at, _ in found]
    place = np.concatenate([at for at, _ in found]) if found else np.zeros(0, dtype=np.int64)
    left = np.concatenate([gone for _, gone in found]) if found else np.zeros(0, dtype=bool)
    return RiskSets(features[place], timing[place], left, np.repeat(np.arange(len(sizes)), sizes))


def _weeks(days: Ints, since: int, until: int) -> Iterator[tuple[int, int, int]]:
    """(scoring, first day, day after the last): each day of leaving belongs to one scoring."""
    for at, day in enumerate(days.tolist()):
        begins = day if at == 0 else day + AHEAD
        ends = min(int(days[at + 1]) + AHEAD if at + 1 < len(days) else until, day + AHEAD + LATEST)
        for start in range(begins, ends, STEP):
            first, last = max(start, since), min(start + STEP, ends, until)
            if first < last:
                yield day, first, last


def moments(sets: RiskSets, slope: float) -> Moments:
    """At this slope of the features."""
    z, values = sets.timing + slope * sets.features, sets.features
    weight = np.exp(np.clip(z - z.max(initial=-np.inf), -500.0, 0.0))
    leavers = np.bincount(sets.group, sets.left.astype(np.float64))
    total = np.bincount(sets.group, weight)
    mean = np.bincount(sets.group, weight * values) / total
    apart = values - mean[sets.group]
    second, third = (np.bincount(sets.group, weight * apart**power) / total for power in (2, 3))
    return Moments(
        float(apart[sets.left].sum()), float((leavers * second).sum()), float((leavers * third).sum())
    )


def against(sets: RiskSets, wanted: float, *, alpha: float) -> tuple[float, float]:
    """(slope, limit): a slope below the limit has a chance of alpha or less where `wanted` is the right one.

    The slope is one step of Newton from the wanted one (Rao's score), so that comparing is the score test itself.
    """
    from scipy.stats import norm

    found = moments(sets, wanted)
    if found.information <= LEAST_INFORMATION:  # no features, or rounding that is left of them
        return math.nan, -math.inf
    sd, z = math.sqrt(found.information), float(norm.ppf(alpha))
    skew = found.third / sd**3
    return wanted + found.score / found.information, wanted + (z + skew * (z * z - 1) / 6) / sd


def features_slope(rows: Rows, left: Bools, features: Floats, timing: Floats) -> dict[str, Any] | None:
    """`fitted` on past forecasts, each day one set. Its error takes windows for independent, and they overlap."""
    _, group = np.unique(rows.day, return_inverse=True)
    return fitted(RiskSets(features, timing, left, group.astype(np.int64)))


def fitted(sets: RiskSets) -> dict[str, Any] | None:
    """{value, sd, events}: the likeliest slope; None where the features say too little to tell."""
    slope = 1.0
    for _ in range(ROUNDS):
        found = moments(sets, slope)
        if found.information <= LEAST_INFORMATION:
            return None
        step = float(np.clip(found.score / found.information, -1.0, 1.0))
        slope += step
        if abs(step) < 1e-9:
            break
    sd = 1 / math.sqrt(found.information)
    return None if sd > SURE_ENOUGH else {"value": slope, "sd": sd, "events": int(sets.left.sum())}
