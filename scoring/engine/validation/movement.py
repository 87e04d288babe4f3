"""How far inputs move by themselves: the same statistic that drift looks at, among training's own past days.

A young history grows: second surveys, second contract terms and late milestones arrive, so that shares without a value
fall and long figures climb before and after any training day. That is movement that the model was learnt and
back-tested under, no change of its world. So the null is not "the same distribution" but "as far as it has moved
before": each past day against the year up to an earlier one (rolling origin, Tashman 2000), lag by lag; what moves in
the course of a year is in it too. Origins are the newer half of the days, so that a sample is as long as those that
drift is measured against: the first months of a workspace would excuse everything. Beyond the longest lag it goes on as
it did: a steady move of a distribution makes the root of PSI, which is nearly a distance (Kullback 1959), grow in
proportion to time.

Drift then means further than that by as much as counts as a shift at all (`drift`): control charts of a process that
has movement of its own watch what the movement does not explain (Alwan and Roberts 1988). Simulated
(tests/scoring/validation/test_movement.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .rows import Bools, Floats, Ints
from .shift import psi, without_drift

MONTH = 30  # days a lag
YEAR = 365  # days that a past sample reaches back, as the kept one does
LEAST_DAYS = 6  # with fewer nothing is known of how inputs move
MOST_LAGS = 12


@dataclass(frozen=True)
class Ordinary:
    """What has been seen to happen by itself within one lag: PSI beyond chance, and change of the share missing (f)."""

    psi: Floats
    missing: Floats


@dataclass(frozen=True)
class Movement:
    """f inputs x lags of `Ordinary`, never falling with the lag; no lags: nothing is known of it."""

    psi: Floats
    missing: Floats

    @property
    def lags(self) -> int:
        return int(self.psi.shape[1])

    def within(self, days: float) -> Ordinary:
        """After so many days from the newest day of training."""
        lag = max(int(np.ceil(days / MONTH)), 1)
        at = min(lag, self.lags) - 1
        further = max(lag / max(self.lags, 1), 1.0)
        return Ordinary(self.psi[:, at] * further**2, self.missing[:, at] * further)


def movement(x: Floats, account: Ints, day: Ints) -> Movement:
    """Of past days a month apart (rows as they come): the furthest that any day lay from the year before it.

    Not for scores: on days that a model was fitted to they move with what it learnt by heart, which excuses much.
    """
    days = np.unique(day)
    lags = min((days.size - 1) // 2, MOST_LAGS) if days.size >= LEAST_DAYS else 0
    moved, missing = (np.zeros((x.shape[1], lags)) for _ in range(2))
    for origin in range(days.size // 2 - 1, days.size) if lags else ():
        before = (day <= days[origin]) & (day > days[origin] - YEAR)
        for lag, then in _later(day, days, origin, lags):
            far, gone = _apart(x, account, before, then)
            moved[:, lag] = np.maximum(moved[:, lag], far)
            missing[:, lag] = np.maximum(missing[:, lag], gone)
    moved, missing = (np.maximum.accumulate(each, axis=1) for each in (moved, missing))
    return Movement(moved, missing)


def _later(day: Ints, days: Ints, origin: int, lags: int) -> Iterator[tuple[int, Bools]]:
    """(place of the lag, rows of that day) of the days after the origin."""
    for at in range(origin + 1, days.size):
        lag = int(np.ceil((days[at] - days[origin]) / MONTH)) - 1
        if lag < lags:
            yield lag, day == days[at]


def _apart(x: Floats, account: Ints, before: Bools, then: Bools) -> tuple[Floats, Floats]:
    """(PSI beyond what chance gives on average, change of the share missing), one each column."""
    counts = [np.unique(account[rows]).size for rows in (before, then)]
    far, gone = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for at in range(x.shape[1]):
        old, new = x[before, at], x[then, at]
        empty = [float(np.isnan(each).mean()) for each in (old, new)]
        gone[at] = abs(empty[1] - empty[0])
        value, bins = psi(old, new)
        if bins:
            n, m = (count * (1 - share) for count, share in zip(counts, empty, strict=True))
            far[at] = max(value - without_drift(bins, n, m, alpha=0.5)[0], 0.0)
    return far, gone
