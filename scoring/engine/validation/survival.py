"""Cohort curves: Kaplan-Meier with log-log intervals, log-rank between cohorts, and an account's place among peers.

Sources: Kaplan and Meier 1958; Greenwood 1926 with the log-log transform of Kalbfleisch and Prentice 1980; log-rank as
in Mantel 1966; Holm 1979 across pairs. Written out here (30 lines) so that pages need no data frames; tests compare
with a hand-computed example and with statsmodels.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .intervals import Z95, wilson
from .rows import Bools, Floats

LEAST_COHORT = 10
LEAST_EVENTS = 5
LEAST_EXPECTED = 5.0  # leavings of a cohort, below which chi-square says little about it (Cochran 1954)


def kaplan_meier(duration: Floats, left: Bools) -> list[dict[str, Any]]:
    """Steps {time, at_risk, events, survival, low, high} at the times of leaving; `duration` in days (n).

    The interval is None while nobody has left and where nobody remains (log-log has no value there).
    """
    times, at_risk, events = _table(duration, left)
    survival, variance, steps = 1.0, 0.0, []
    for time, here, gone in zip(times, at_risk, events, strict=True):
        survival *= 1 - gone / here
        variance += gone / (here * (here - gone)) if here > gone else 0.0
        low, high = _log_log(survival, variance)
        steps.append(
            {
                "time": float(time), "at_risk": int(here), "events": int(gone), "survival": float(survival),
                "low": low, "high": high,
            }
        )  # fmt: skip
    return steps


def _log_log(survival: float, variance: float) -> tuple[float | None, float | None]:
    if not 0 < survival < 1:
        return None, None
    reach = Z95 * math.sqrt(variance) / abs(math.log(survival))
    return survival ** math.exp(reach), survival ** math.exp(-reach)


def _table(duration: Floats, left: Bools) -> tuple[Floats, Floats, Floats]:
    """(times of leaving, at risk just before, leavings)."""
    gone = np.asarray(left, dtype=np.bool_)
    times, events = np.unique(duration[gone], return_counts=True)
    at_risk = duration.size - np.searchsorted(np.sort(duration), times, side="left")
    return times, at_risk.astype(np.float64), events.astype(np.float64)


def logrank(one: tuple[Floats, Bools], two: tuple[Floats, Bools]) -> dict[str, Any]:
    """Log-rank of two cohorts (duration, left): {chi_square, p, observed, expected} of the first; None untestable."""
    from scipy.stats import chi2  # type: ignore[import-untyped]

    times = np.unique(np.concatenate([one[0][one[1].astype(bool)], two[0][two[1].astype(bool)]]))
    risk, gone = zip(*(_at(times, *each) for each in (one, two)), strict=True)
    n, d = risk[0] + risk[1], gone[0] + gone[1]
    expected = float((d * risk[0] / n).sum())
    spread = np.where(n > 1, d * risk[0] * risk[1] * (n - d) / (n**2 * np.maximum(n - 1, 1)), 0.0)
    variance, observed = float(spread.sum()), float(gone[0].sum())
    value = (observed - expected) ** 2 / variance if variance > 0 else None
    return {
        "chi_square": value, "p": None if value is None else float(chi2.sf(value, 1)),
        "observed": observed, "expected": expected,
    }  # fmt: skip


def logrank_all(cohorts: Mapping[str, tuple[Floats, Bools]]) -> dict[str, Any] | None:
    """One log-rank test over all cohorts (duration, left) at once: {chi_square, df, p, cohorts: [{name, n, observed,
    expected}], left_out: [names]}; None where fewer than two can be tested.

    A cohort of which fewer than LEAST_EXPECTED leavings are expected is left out, the smallest first, and the rest is
    worked out anew: the choice looks at sizes and times, not at who left where.
    """
    from scipy.stats import chi2

    kept, left_out = dict(cohorts), []
    while len(kept) > 1:
        observed, expected, spread = _sums(list(kept.values()))
        least = int(np.argmin(expected))
        if expected[least] < LEAST_EXPECTED:
            left_out.append(list(kept)[least])
            del kept[left_out[-1]]
            continue
        gap = (observed - expected)[1:]
        value = float(gap @ np.linalg.pinv(spread[1:, 1:]) @ gap)
        told = [
            {"name": name, "n": int(each[0].size), "observed": int(seen), "expected": float(wanted)}
            for (name, each), seen, wanted in zip(kept.items(), observed, expected, strict=True)
        ]
        df = len(kept) - 1
        return {
            "chi_square": value, "df": df, "p": float(chi2.sf(value, df)), "cohorts": told, "left_out": left_out,
        }  # fmt: skip
    return None


def _sums(cohorts: list[tuple[Floats, Bools]]) -> tuple[Floats, Floats, Floats]:
    """(observed, expected, covariance of their gap) of k cohorts: k, k, k x k."""
    times = np.unique(np.concatenate([days[left.astype(bool)] for days, left in cohorts]))
    tables = [_at(times, *each) for each in cohorts]
    risk, gone = (np.stack([table[at] for table in tables]) for at in (0, 1))
    n, d = risk.sum(axis=0), gone.sum(axis=0)
    share = risk / np.maximum(n, 1)
    weight = d * (n - d) / np.maximum(n - 1, 1)
    spread = np.diag((weight * share).sum(axis=1)) - (weight * share) @ share.T
    return gone.sum(axis=1), (d * share).sum(axis=1), spread


def _at(times: Floats, duration: Floats, left: Bools) -> tuple[Floats, Floats]:
    """(at risk, leavings) of one cohort at given times."""
    stays = np.sort(duration)
    gone = np.sort(duration[left.astype(bool)])
    risk = (duration.size - np.searchsorted(stays, times, side="left")).astype(np.float64)
    events = np.searchsorted(gone, times, side="right") - np.searchsorted(gone, times, side="left")
    return risk, events.astype(np.float64)


def compare(cohorts: Mapping[str, tuple[Floats, Bools]]) -> list[dict[str, Any]]:
    """Log-rank of every pair of cohorts that is large enough, with Holm's p (`p_holm`), in the order given."""
    large = {
        name: each
        for name, each in cohorts.items()
        if each[0].size >= LEAST_COHORT and np.sum(each[1]) >= LEAST_EVENTS
    }
    rows: list[dict[str, Any]] = [
        {"one": one, "two": two, "n_one": int(large[one][0].size), "n_two": int(large[two][0].size)}
        | logrank(large[one], large[two])
        for one, two in itertools.combinations(large, 2)
    ]
    adjusted = holm([each["p"] if each["p"] is not None else 1.0 for each in rows])
    return [each | {"p_holm": p} for each, p in zip(rows, adjusted, strict=True)]


def holm(p: list[float]) -> list[float]:
    """Holm's step-down adjusted p values, in the order given."""
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[at]))
        adjusted[at] = highest
    return adjusted


def percentile(value: float, peers: Floats, *, least: int = LEAST_COHORT) -> dict[str, Any]:
    """Share of peers below the value, equal ones at half, as per cent with Wilson's interval; hidden when few.

    `peers` (NaN left out) do not hold the account itself.
    """
    known = peers[~np.isnan(peers)]
    if known.size < least or math.isnan(value):
        return {"hidden": True, "n": int(known.size), "percentile": None, "low": None, "high": None}
    below = float((known < value).sum() + (known == value).sum() / 2)
    low, high = wilson(below, known.size)
    return {
        "hidden": False, "n": int(known.size), "percentile": 100 * below / known.size,
        "low": 100 * low, "high": 100 * high,
    }  # fmt: skip
