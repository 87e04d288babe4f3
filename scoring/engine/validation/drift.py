"""Is the world still the one that the model learned? Inputs, scores and outcomes against training.

Sources: the .10 and .25 of practice for PSI count only beyond a quantile of its value by chance (`shift`) and, in the
scale of a distance (its root), only beyond what the input has moved by itself before (`movement`). Observed against
expected with Garwood's Poisson interval; fifths of the score as in Hosmer and Lemeshow 1980; the slope of the
features apart from the contract's timing as in `foresight`.

Outcomes are read as exposures from one scoring to the next, not as windows of 90 days: those close too late to notice
within 60 days, and exposures of one account do not overlap. A switch of mechanism with the same level of leaving shows
in the features' slope, not in the total. An input counts as far as it moves the chances (`reach`): most features of a
model say little, and with dozens of them some always shift. Each check has its share of `ALPHA` for one look, so that
24 monthly looks together stay quiet without drift.

Simulated (tests/scoring/validation/drifting.py; 2.7 % leave a month): an alarm in 24 monthly looks in 1 of 30 worlds of
500 accounts and 2 of 30 of 1,000; a switch of mechanism at an equal level is noticed within 60 days in 27 of 30 worlds
of 400 accounts and 30 of 30 of 1,000, looked at weekly. Fewer leavers see less; weekly looks alarm more.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .foresight import RiskSets, against
from .intervals import poisson
from .movement import Ordinary
from .rows import Bools, Floats, Ints, Rows
from .shift import psi, without_drift

WATCH, TRIP = 0.10, 0.25
MISSING = 0.10  # share of rows
BAND = 0.25  # observed / expected between 1 / 1.25 and 1.25 is no drift, however sure
REACH = math.log(1 + BAND)  # in log-odds: an input that moves the chances by less moves them within the band
SLOPE_FALL = 0.3
DISPLACED = 0.15  # share of leavers in other fifths than expected: less is a model's ordinary misfit
ALPHA = 0.001  # of one check at one look
# The slope's share is larger, for what makes customers leave may change, which must show in it within weeks, with few
# leavers. Looked at weekly over 60 days it errs in 6 of 100 years if the slope is just what was promised (simulated).
SLOPE_ALPHA = 0.0025
LEAST_EXPECTED = 10.0
FIFTHS = 5


@dataclass(frozen=True)
class Sample:
    """Inputs (n x f, NaN missing) and scores (n) of one time; `accounts`: how many independent rows they are worth."""

    x: Floats
    score: Floats
    accounts: int


@dataclass(frozen=True)
class Exposures:
    """Accounts between two scorings: chance of leaving in between, and whether it left (k each)."""

    p: Floats
    left: Bools


def exposures(rows: Rows, p30: Floats, *, since: int, until: int, most: int = 30) -> Exposures:
    """Exposures of the scorings on days [since, until): each lasts to the account's next scoring, `most` days or
    `until`. The 30-day chance is spread evenly over its days, which holds over the scorings of a month together.
    """
    at = np.flatnonzero((rows.day >= since) & (rows.day < until))
    at = at[np.lexsort((rows.day[at], rows.account[at]))]
    account, day = rows.account[at], rows.day[at]
    end = np.full(at.size, until)
    same = account[1:] == account[:-1]
    end[:-1][same] = day[1:][same]
    days = np.minimum(np.minimum(end, until) - day, most)
    left = rows.leaves_in[at] < days
    known = (left | (rows.seen_for[at] >= days)) & ~np.isnan(p30[at]) & (days > 0)
    chance = -np.expm1(np.log1p(-np.clip(p30[at], 0, 1 - 1e-9)) * days / 30)
    return Exposures(chance[known], left[known])


def drift(
    names: tuple[str, ...],
    training: Sample,
    now: Sample,
    seen: Exposures | None = None,
    sets: RiskSets | None = None,
    *,
    ordinary: Ordinary | None = None,
    reach: Floats | None = None,
    promised: float = 1.0,
    alpha: float = ALPHA,
) -> list[dict[str, Any]]:
    """Rows {key, value, limit, tripped, watch, words} in the order missing, inputs, score, observed/expected, slope.

    `seen`: exposures of a sliding window (60 days); `sets`: of the same window, who could have left. `ordinary`: how
    far inputs move by themselves in the time since training (None: not at all). `reach`: how far each input's shift
    alone moves the log-odds, on average (None: far enough); a shift that moves the chances of nobody is watched and
    does not trip. `promised`: the slope of the features that the back-test found. A check that has too little to see
    trips never and says so. Leave features that age by themselves (tenure) out of `names`' x.
    """
    usual = ordinary or Ordinary(np.zeros(len(names)), np.zeros(len(names)))
    far = np.full(len(names), np.inf) if reach is None else reach
    rows = [
        _within(_missing(name, training, now, at, alpha, float(usual.missing[at])), float(far[at]))
        for at, name in enumerate(names)
    ]
    each, counts = alpha / max(len(names), 1), (training.accounts, now.accounts)
    for at, name in enumerate(names):
        values = (training.x[:, at], now.x[:, at])
        row = _shift(f"psi.{name}", name, values, counts, each, float(usual.psi[at]))
        rows.append(_within(row, float(far[at])))
    scores = (training.score, now.score)
    rows.append(_shift("score", "the score", scores, counts, alpha, 0.0))
    if seen is not None:
        rows += [_level(seen, alpha), _fifths(seen, alpha)]
    if sets is not None:
        rows.append(_slope(sets, promised))
    return rows


def _row(
    key: str, value: float, limit: float, *, tripped: bool, words: str, watch: bool = False
) -> dict[str, Any]:
    known = math.isfinite(value)
    return {
        "key": key, "value": float(value) if known else None, "limit": float(limit), "tripped": bool(tripped and known),
        "watch": bool(watch and known and not tripped), "words": words,
    }  # fmt: skip


def _missing(name: str, training: Sample, now: Sample, at: int, alpha: float, usual: float) -> dict[str, Any]:
    """The share without a value, beyond .10 and what chance gives (normal, two-sided), and beyond its usual move."""
    from scipy.stats import norm

    before, after = (float(np.isnan(each.x[:, at]).mean()) for each in (training, now))
    both = (before * training.accounts + after * now.accounts) / max(training.accounts + now.accounts, 1)
    sd = math.sqrt(both * (1 - both) * (1 / max(training.accounts, 1) + 1 / max(now.accounts, 1)))
    limit = max(MISSING, float(norm.isf(alpha / 2 / max(training.x.shape[1], 1))) * sd) + usual
    change = after - before
    words = (
        f"{name}: without a value {after:.0%}, in training {before:.0%} (limit {limit:.0%} of change"
        f"{_by_itself(f'{usual:.0%}' if usual else '')})."
    )
    return _row(f"missing.{name}", change, limit, tripped=abs(change) > limit, words=words)


def _shift(
    key: str,
    name: str,
    values: tuple[Floats, Floats],
    accounts: tuple[int, int],
    alpha: float,
    usual: float,
) -> dict[str, Any]:
    """PSI beyond .25 (watch: .10) and chance, and beyond its usual move, on the accounts that have a value."""
    value, bins = psi(*values)
    n, m = (
        count * float((~np.isnan(each)).mean()) if each.size else 0.0
        for each, count in zip(values, accounts, strict=True)
    )
    mean, chance = without_drift(bins, n, m, alpha=alpha)
    limit, watch = ((math.sqrt(max(each, chance)) + math.sqrt(usual)) ** 2 for each in (TRIP, WATCH))
    shown = "no values" if math.isnan(value) else f"{value:.2f}"
    words = (
        f"{name}: shift (PSI) {shown}; without drift about {mean:.2f}, by chance up to {chance:.2f}"
        f"{_by_itself(f'{usual:.2f}' if usual else '')}; limit {limit:.2f}."
    )
    return _row(key, value, limit, tripped=value > limit, watch=value > watch, words=words)


def _within(row: dict[str, Any], reach: float) -> dict[str, Any]:
    """The row of an input that moved: it trips only where that moves the chances by as much as the band allows."""
    if not row["tripped"] or math.isinf(reach):
        return row
    words = f"{row['words'][:-1]}; alone it moves the log-odds by {reach:.2f} (limit {REACH:.2f})."
    return row | {"tripped": reach > REACH, "watch": reach <= REACH, "words": words}


def _by_itself(usual: str) -> str:
    return f", by itself it has moved {usual} in such a time" if usual else ""


def _level(seen: Exposures, alpha: float) -> dict[str, Any]:
    """Observed / expected: trips where its whole Poisson interval lies outside the band."""
    observed, expected = int(seen.left.sum()), float(seen.p.sum())
    if max(observed, expected) < LEAST_EXPECTED:
        return _quiet("observed_expected", 1 + BAND, observed, expected)
    low, high = (each / expected for each in poisson(observed, level=1 - alpha))
    tripped = low > 1 + BAND or high < 1 / (1 + BAND)
    words = (
        f"{observed} accounts left where {expected:.1f} were expected "
        f"(ratio {observed / expected:.2f}, {1 - alpha:.1%} interval {low:.2f} to {high:.2f})."
    )
    return _row("observed_expected", observed / expected, 1 + BAND, tripped=tripped, words=words)


def _fifths(seen: Exposures, alpha: float) -> dict[str, Any]:
    """Chi-square of fifths of the expected leavings, the total set equal. Watched and never tripped: the chance as a
    whole holds timing, whose misfit shows here all the time (it passed its limit at 22 of 48 looks without a switch).
    """
    from scipy.stats import chi2

    observed, expected = int(seen.left.sum()), float(seen.p.sum())
    if min(observed, expected) < LEAST_EXPECTED:
        return _quiet("by_fifths", 0.0, observed, expected)
    groups = int(np.clip(expected // 5, 2, FIFTHS))  # five expected a group, or chi-square is no chi-square
    order = np.argsort(seen.p, kind="stable")
    share = np.cumsum(seen.p[order]) / expected
    place = np.minimum((share * groups - 1e-12).astype(np.int64), groups - 1)
    said = np.bincount(place, seen.p[order], minlength=groups) * observed / expected
    was = np.bincount(place, seen.left[order].astype(np.float64), minlength=groups)
    value = float(((was - said) ** 2 / np.maximum(said, 1e-9)).sum())
    displaced = float(np.abs(was - said).sum() / 2 / observed)
    limit = float(chi2.isf(alpha, groups - 1))
    words = (
        "Left against expected, from the lowest risk to the highest: "
        + ", ".join(f"{a:.0f} of {b:.1f}" for a, b in zip(was, said, strict=True))
        + f" (chi-square {value:.1f}, limit {limit:.1f}; {displaced:.0%} displaced, limit {DISPLACED:.0%})."
    )
    moved = value > limit and displaced > DISPLACED
    return _row("by_fifths", value, limit, tripped=False, watch=moved, words=words)


def _slope(sets: RiskSets, promised: float, alpha: float = SLOPE_ALPHA) -> dict[str, Any]:
    """The features' slope: trips where it fell by .3 or more, and surely fell."""
    left = int(sets.left.sum())
    if left < LEAST_EXPECTED:
        words = f"{left} left: too few to judge the features by (from {LEAST_EXPECTED:.0f} on)."
        return _row("slope", math.nan, promised - SLOPE_FALL, tripped=False, words=words)
    value, limit = against(sets, promised, alpha=alpha)
    if math.isnan(value):
        words = "The features make no difference to these chances, so there is nothing that could fade."
        return _row("slope", value, promised - SLOPE_FALL, tripped=False, words=words)
    limit = min(promised - SLOPE_FALL, limit)
    words = (
        f"Slope of the features apart from the contract's dates, on {left} that left: {value:.2f}, {promised:.2f} "
        f"promised (1: they tell as much as they say, 0: nothing); below {limit:.2f} is beyond chance."
    )
    return _row("slope", value, limit, tripped=value < limit, words=words)


def _quiet(key: str, limit: float, observed: int, expected: float) -> dict[str, Any]:
    words = (
        f"{observed} left, {expected:.1f} expected: too few to judge (from {LEAST_EXPECTED:.0f} expected on)."
    )
    return _row(key, math.nan, limit, tripped=False, words=words)


def tripped(rows: list[dict[str, Any]]) -> list[str]:
    """The keys of what tripped, in order."""
    return [each["key"] for each in rows if each["tripped"]]


def by_account(account: Ints) -> int:
    """How many independent rows a sample is worth: its accounts."""
    return int(np.unique(account).size)
