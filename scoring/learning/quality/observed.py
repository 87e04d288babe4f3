"""What was said against what happened: reliability, skill, precision and recall month by month, fairness, warning.

Sources: SCORING.md d (a bin needs five expected leavings), f and h; intervals of `engine.validation`. Rows are the
first scoring of each month, so that an account counts once a month; intervals over months draw whole accounts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.engine.validation import HORIZONS, measure, outcome
from scoring.engine.validation.intervals import wilson
from scoring.engine.validation.leadtime import Leavers, lead_time
from scoring.engine.validation.reliability import LEAST_EXPECTED, reliability
from scoring.learning import labels
from scoring.learning.quality.stored import Bools, Floats, Said

LEAST_ACCOUNTS = 20  # of a segment, below which its figures are hidden
DRAWS = 300
FIGURES = (
    "n",
    "events",
    "auc",
    "brier",
    "base_brier",
    "brier_skill",
    "log_loss",
    "ece",
    "slope",
    "observed_expected",
)
AHEAD = 60


@dataclass(frozen=True)
class Rules:
    """What each version flagged at and what it had learnt; `versions` are their numbers, by row id."""

    cuts: dict[int, tuple[float, float, float]]  # NaN where a version has no threshold for a horizon
    bases: dict[int, tuple[float, float, float]]
    versions: dict[int, int]

    def of(self, rows: Said, table: dict[int, tuple[float, float, float]]) -> Floats:
        """The line of `table` of each row's version: n x 3."""
        ids, place = np.unique(rows.model, return_inverse=True)
        blank = (np.nan, np.nan, np.nan)
        lines = np.array([table.get(int(each), blank) for each in ids], dtype=np.float64).reshape(-1, 3)
        return lines[place]


def observed(rows: Said, rules: Rules, *, seed: int = 1) -> dict[str, Any]:
    """Everything of every horizon, for JSON. `rows`: one scoring a month."""
    shown = rows.pick(~np.isnan(rows.p[:, 2]))
    if not len(shown):
        return {"n": 0, "late": 0, "horizons": {}, "cells": []}
    cuts, bases = rules.of(shown, rules.cuts), rules.of(shown, rules.bases)
    measured = _measured(shown, bases, seed)
    made = {}
    for at, horizon in enumerate(HORIZONS):
        known, left = outcome(shown, horizon)
        facts = _Facts(shown, shown.p[:, at], left, cuts[:, at], known)
        made[str(horizon)] = {
            "figures": {name: measured[str(horizon)]["all"].get(name) for name in FIGURES},
            "base_from": measured[str(horizon)]["base_from"],
            "flags": _flags(facts, known),
            "months": _months(facts, horizon),
            "segments": _segments(facts),
        }
    return {
        "n": len(shown),
        "late": int(shown.late.sum()),
        "from": str(labels.day_of(shown.day.min())),
        "to": str(labels.day_of(shown.day.max())),
        "horizons": made,
        "cells": cells(shown, rules.versions, seed=seed),
    }


def _measured(rows: Said, bases: Floats, seed: int) -> dict[str, Any]:
    """`measure` overall; skill is against what each version had learnt where all versions say, else these rows."""
    base = None if np.isnan(bases).any() else bases
    found = measure(
        rows, rows.p, threshold=0.5, capacity=1, draws=DRAWS, seed=seed, base=base, least_events=len(rows) + 1
    )
    horizons: dict[str, Any] = found["horizons"]
    return horizons


@dataclass(frozen=True)
class _Facts:
    """One horizon: `left` means something only where `known`; no flag without a cut."""

    rows: Said
    p: Floats
    left: Bools
    cut: Floats
    known: Bools

    @property
    def judged(self) -> Bools:
        return ~np.isnan(self.cut)

    @property
    def flagged(self) -> Bools:
        return np.asarray(self.p >= np.nan_to_num(self.cut, nan=np.inf), dtype=np.bool_)


def share(hits: float, n: float, accounts: int | None = None) -> dict[str, Any]:
    """A rate with Wilson's interval, as wide as the accounts behind the rows allow; no value without rows."""
    if not n:
        return {"value": None, "low": None, "high": None, "n": 0, "events": 0}
    behind = n if accounts is None else accounts
    low, high = wilson(hits / n * behind, behind)
    return {"value": hits / n, "low": low, "high": high, "n": int(n), "events": int(hits)}


def _months(facts: _Facts, horizon: int) -> list[dict[str, Any]]:
    """Each scored month: closed ones with what happened, the others with the day on which they close."""
    made = []
    for day in np.unique(facts.rows.day):
        mine = facts.rows.day == day
        line: dict[str, Any] = {
            "day": str(labels.day_of(day)),
            "closes": str(labels.day_of(day + horizon)),
            "closed": bool(facts.known[mine].all()),
            "n": int(mine.sum()),
        }
        made.append(line | (_happened(facts, mine) if line["closed"] else {}))
    return made


def _happened(facts: _Facts, mine: Bools) -> dict[str, Any]:
    n, left, expected = int(mine.sum()), int(facts.left[mine].sum()), float(facts.p[mine].sum())
    return {
        "left": left,
        "expected": expected,
        "rate": share(left, n),
        **_flags(facts, mine),
    }


def _flags(facts: _Facts, mine: Bools) -> dict[str, Any]:
    """Precision, recall and the share of those who stayed that was flagged, where a threshold is known."""
    judged = mine & facts.judged
    flagged, left = judged & facts.flagged, judged & facts.left
    caught, stayed = flagged & left, judged & ~facts.left
    false = flagged & ~facts.left
    return {
        "precision": _share(facts, caught, flagged),
        "recall": _share(facts, caught, left),
        "false_alarms": _share(facts, false, stayed),
    }


def _share(facts: _Facts, hits: Bools, of: Bools) -> dict[str, Any]:
    accounts = int(np.unique(facts.rows.account[of]).size)
    return share(int(hits.sum()), int(of.sum()), accounts) | {"accounts": accounts}


def _segments(facts: _Facts) -> list[dict[str, Any]]:
    """Every segment beside all of them: is the chance as true, and are false alarms as rare, for each?"""
    whole = facts.known
    made = [{"segment": None, **_fairness(facts, whole)}]
    for at, name in enumerate(facts.rows.segments):
        mine = whole & (facts.rows.segment == at)
        if mine.any():
            made.append({"segment": name, **_fairness(facts, mine)})
    return made


def _fairness(facts: _Facts, mine: Bools) -> dict[str, Any]:
    """Gap: share that left less mean chance, so above zero is "said too low". Hidden when small."""
    n, accounts = int(mine.sum()), int(np.unique(facts.rows.account[mine]).size)
    expected = float(facts.p[mine].sum())
    counts = {"n": n, "accounts": accounts, "expected": expected}
    if expected < LEAST_EXPECTED or accounts < LEAST_ACCOUNTS:
        return counts | {"hidden": True}
    said = expected / n
    rate = share(int(facts.left[mine].sum()), n, accounts)
    gap = {end: rate[end] - said for end in ("value", "low", "high")}
    return counts | {"left": rate["events"], "said": said, "gap": gap, **_flags(facts, mine)}


def cells(rows: Said, versions: dict[int, int], *, seed: int) -> list[dict[str, Any]]:
    """A reliability diagram for each horizon, segment (None: all) and version (None: all) that has closed rows."""
    made = []
    for at, horizon in enumerate(HORIZONS):
        known, left = outcome(rows, horizon)
        for version, of_model in _versions(rows, versions):
            for segment, of_segment in _all_and_each(rows):
                mine = known & of_model & of_segment
                if mine.any():
                    drawn = reliability(
                        rows.p[mine, at], left[mine].astype(np.float64), rows.account[mine], horizon,
                        draws=DRAWS, seed=seed,
                    )  # fmt: skip
                    made.append({"segment": segment, "version": version, **drawn})
    return made


def _versions(rows: Said, versions: dict[int, int]) -> list[tuple[int | None, Bools]]:
    ids = [int(each) for each in np.unique(rows.model)]
    found: list[tuple[int | None, Bools]] = [(None, np.ones(len(rows), dtype=np.bool_))]
    return found + [(versions[each], rows.model == each) for each in ids if each in versions]


def _all_and_each(rows: Said) -> list[tuple[str | None, Bools]]:
    found: list[tuple[str | None, Bools]] = [(None, np.ones(len(rows), dtype=np.bool_))]
    return found + [(name, rows.segment == at) for at, name in enumerate(rows.segments)]


def warning(
    rows: Said, known: labels.Leavers, *, cut: float, until: int, seed: int = 1
) -> dict[str, Any] | None:
    """Days of warning over weekly scorings, at one threshold; None where no chance was ever said."""
    shown = rows.pick(~np.isnan(rows.p[:, 2]))
    if not len(shown):
        return None
    mine = known.day >= shown.day.min()
    account = known.account[mine]
    first: dict[int, float] = {}
    for each, day in zip(shown.account[::-1], shown.day[::-1], strict=True):  # the oldest day is written last
        first[int(each)] = float(day)
    seen = np.array([first.get(int(each), np.nan) for each in account], dtype=np.float64)
    gone = Leavers(account, known.day[mine].astype(np.float64), known.notice[mine], seen)
    found = lead_time(
        shown.account,
        shown.day,
        shown.p[:, 2],
        gone,
        threshold=cut,
        ahead=AHEAD,
        until=until,
        draws=DRAWS,
        seed=seed,
    )
    return found | {"scorings": int(np.unique(shown.day).size), "from": str(labels.day_of(shown.day.min()))}
