"""Chances as they would have been said: every candidate fitted at past origins, and asked about later, other accounts.

Accounts of a test row are in neither training nor calibration of its fit, training windows close before calibration
begins, calibration windows before the tested day (scoring.engine.validation.origins). Nothing is tuned on test rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import Stack, take, thinned
from scoring.engine.churn.explain import explain
from scoring.engine.churn.fit import Options
from scoring.engine.churn.model import Fitted
from scoring.engine.validation import HORIZONS, Origin, Origins, known_at, origins, outcome
from scoring.learning.recipes import MAY_BE_CHOSEN, fit_all

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HORIZON = 90
LEAST_ORIGINS = 4
# With more rows folds and fits are made cheaper, or a back-test would take minutes, then an hour.
SOME_ROWS, MANY_ROWS = 6_000, 20_000
SMALL = {"folds": 5, "at_most": 8, "turns": False}
MIDDLE = {"folds": 3, "at_most": 5, "turns": False}
# each tested day judges one half of the accounts, in turn: fits cost twice as much for hardly narrower intervals
LARGE = {"folds": 2, "at_most": 4, "turns": True}
# rows without a leaving that a fit of a large back-test keeps, weighted, and that choosing its penalty keeps
QUIET_ROWS, QUIET_ROWS_OF_FOLDS = 12_000, 6_000
QUIET_ROWS_OF_VERSION = 20_000  # and that the version itself is learnt from
QUIET_ROWS_BOOSTED = (
    4_000  # trees are grown anew for each number of them: twenty times the additive fit's time
)

Said = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Forecasts:
    """Chances of the test rows of all origins, m rows; `rows` are their places in the stack."""

    origins: Origins
    folds: int
    rows: Ints
    origin: Ints  # the tested day of each row
    base: Floats  # m x horizons: the rate of what each fit had learnt from
    p: dict[str, Floats]  # by candidate, m x horizons
    failed: dict[str, str]  # candidates that could not be fitted somewhere, and why
    # of those that may be chosen, m: what the contract's dates alone make of logit(p90)
    timing: dict[str, Floats] = field(default_factory=dict)
    splits: tuple[
        tuple[Bools, Bools], ...
    ] = ()  # of each fit: rows learnt from, rows judged (masks of the stack)
    # of each candidate of a large back-test: the penalty or number of trees that was judged
    choices: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


def forecast(stack: Stack, *, until: int, names: tuple[str, ...], options: Options, said: Said) -> Forecasts:
    """Every candidate at every origin. With too few origins nothing is fitted: `origins.why` says what is missing."""
    size = _size(len(stack))
    found = origins(stack.day, horizon=HORIZON, least=LEAST_ORIGINS, until=until, at_most=size["at_most"])
    cheap = (
        options
        if len(stack) <= SOME_ROWS
        else replace(options, most_quiet=QUIET_ROWS, most_quiet_folds=QUIET_ROWS_OF_FOLDS)
    )
    work = _Work(stack, found, names, cheap, size["folds"], len(stack) > SOME_ROWS, said)
    if len(found) >= LEAST_ORIGINS:
        for turn, origin in enumerate(found):
            work.at(origin, turn % size["folds"] if size.get("turns") else None)
    return work.forecasts()


def _size(rows: int) -> dict[str, int]:
    if rows <= SOME_ROWS:
        return SMALL
    return MIDDLE if rows <= MANY_ROWS else LARGE


class _Work:
    def __init__(
        self, stack: Stack, found: Origins, names: tuple[str, ...], options: Options, folds: int,
        keeps_choice: bool, said: Said,
    ) -> None:  # fmt: skip
        self.stack, self.found, self.names, self.options = stack, found, names, options
        self.folds, self.keeps_choice, self.said = folds, keeps_choice, said
        self.choices: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, str] = {}
        self.rows: list[Ints] = []
        self.days: list[Ints] = []
        self.bases: list[Floats] = []
        self.p: dict[str, list[Floats]] = {name: [] for name in names}
        self.timing: dict[str, list[Floats]] = {name: [] for name in names if name in MAY_BE_CHOSEN}
        self.splits: list[tuple[Bools, Bools]] = []
        self.done = 0

    def at(self, origin: Origin, only: int | None) -> None:
        """One origin, fold by fold, or one of its folds alone."""
        for part in origin.parts(self.stack.day, self.stack.account, folds=self.folds):
            if only is not None and part.fold != only:
                continue
            total = len(self.found) * (self.folds if only is None else 1)
            self.said(self.done, total, f"Back-test on {len(self.found)} past days")
            self.done += 1
            self.splits.append((part.train | part.calibrate, part.test))
            train = known_at(take(self.stack, part.train), origin.trained_at)
            later = known_at(take(self.stack, part.calibrate), origin.day)
            test = take(self.stack, part.test)
            self.rows.append(np.flatnonzero(part.test))
            self.days.append(np.full(len(test), origin.day, dtype=np.int64))
            self.bases.append(np.tile(_rates(train, later), (len(test), 1)))
            if self.keeps_choice:
                later = thinned(later, self.options.most_quiet, seed=self.options.seed)
            made, failed = fit_all(self.names, train, later, self._options)
            self.failed |= failed
            for name in self.names:
                blank = np.full((len(test), len(HORIZONS)), np.nan)
                self.p[name].append(chances(made[name], test).p if name in made else blank)
                if name in self.timing:
                    self.timing[name].append(_timing(made[name], test) if name in made else blank[:, 0])
                if name in made:
                    self._keep_choice(name, made[name].facts)

    def _options(self, name: str) -> Options:
        """With many rows, the penalty or number of trees of the first origin, which has seen nothing of later ones."""
        if not self.keeps_choice:
            return self.options
        fewer: dict[str, Any] = {"most_quiet": QUIET_ROWS_BOOSTED} if name == "boosted" else {}
        return replace(self.options, **fewer, **self.choices.get(name, {}))

    def _keep_choice(self, name: str, facts: Mapping[str, Any]) -> None:
        made = {"penalty": facts.get("penalty"), "own_penalty": facts.get("own_penalty")}
        made |= {"early_names": tuple(facts.get("early", ()))}
        chosen = {"trees": facts["trees"]} if facts.get("trees_tried") else made
        if None not in chosen.values():
            self.choices.setdefault(name, chosen)

    def forecasts(self) -> Forecasts:
        empty = np.zeros((0, len(HORIZONS)))
        return Forecasts(
            self.found,
            self.folds,
            np.concatenate(self.rows) if self.rows else np.zeros(0, dtype=np.int64),
            np.concatenate(self.days) if self.days else np.zeros(0, dtype=np.int64),
            np.concatenate(self.bases) if self.bases else empty,
            {name: np.concatenate(parts) if parts else empty for name, parts in self.p.items()},
            self.failed,
            {name: np.concatenate(parts) for name, parts in self.timing.items() if parts},
            tuple(self.splits),
            self.choices if self.keeps_choice else {},
        )


def _timing(fitted: Fitted, test: Stack) -> Floats:
    found = explain(fitted, test)
    return np.asarray(found.base + found.parts[:, -1])


def _rates(train: Stack, later: Stack) -> Floats:
    """Share that left within each horizon among what a fit and its calibration had seen."""
    rates = []
    for horizon in HORIZONS:
        known, left = zip(*(outcome(part, horizon) for part in (train, later)), strict=True)
        n = sum(int(each.sum()) for each in known)
        hits = sum(int((a & b).sum()) for a, b in zip(known, left, strict=True))
        rates.append(hits / n if n else 0.0)
    return np.array(rates)
