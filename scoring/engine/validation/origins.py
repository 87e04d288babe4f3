"""Rolling origins: what was known on a day trains, later closed landmarks calibrate, the next landmark judges.

Source: rolling-origin evaluation as in Tashman 2000 and Hyndman and Athanasopoulos, with the embargo of Lopez de Prado
2018, ch. 7: a label that is still open when the next part begins would carry that part's outcome into the fit. Accounts
are apart too: the accounts of a test fold are in neither training nor calibration of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .rows import Bools, Ints

LEAST_ORIGINS = 4
FOLDS = 5
MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Part:
    """Masks over the rows: one fit, its calibration, and the rows that judge both."""

    fold: int
    train: Bools
    calibrate: Bools
    test: Bools


@dataclass(frozen=True)
class Origin:
    """Landmarks of one origin, as days; cut training rows to what was known on `trained_at` (see `known_at`)."""

    day: int  # the landmark that is tested; calibration windows closed by then
    trained_at: int  # the first landmark of calibration; training windows closed by then
    train: tuple[int, ...]
    calibrate: tuple[int, ...]

    def parts(self, days: Ints, account: Ints, *, folds: int = FOLDS) -> Iterator[Part]:
        """Masks (n each) fold by fold; together the test masks hold every row of the landmark once.

        One fold means apart in time only.
        """
        fold = fold_of(account, folds=folds)
        train, calibrate = np.isin(days, self.train), np.isin(days, self.calibrate)
        for at in range(folds):
            apart = fold != at if folds > 1 else np.ones(len(days), dtype=np.bool_)
            yield Part(at, train & apart, calibrate & apart, (days == self.day) & (fold == at))


class Origins(list[Origin]):
    """The origins, oldest first; `why` says in words why there are fewer than `least`, and is empty otherwise."""

    why: str = ""


def fold_of(account: Ints, *, folds: int) -> Ints:
    """The fold of each account by a hash of its id (splitmix64): the same in every run, whoever else is there."""
    mixed = account.astype(np.uint64) + MIX
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(folds)).astype(np.int64)


def origins(
    days: Ints, *, horizon: int, least: int = LEAST_ORIGINS, until: int | None = None, at_most: int = 8
) -> Origins:
    """Origins over the landmark `days` (any order, repeats allowed); `until` is the first day not yet known.

    Without `until` all landmarks are taken to be closed. More than `at_most` are thinned evenly; the newest stays.
    """
    landmarks = np.unique(days)
    closed = landmarks if until is None else landmarks[landmarks + horizon <= until]
    found = [made for each in closed if (made := _origin(landmarks, int(each), horizon))]
    if len(found) > at_most:
        kept = np.unique(np.round(np.linspace(0, len(found) - 1, at_most)).astype(int))
        found = [found[at] for at in kept]
    chosen = Origins(found)
    if len(found) < least:
        chosen.why = _why(landmarks, closed, len(found), least, horizon)
    return chosen


def _origin(landmarks: Ints, day: int, horizon: int) -> Origin | None:
    """Closed landmarks of the last `horizon` days calibrate, fewer of them while training would have fewer still."""
    closed = landmarks[landmarks + horizon <= day]
    made = None
    for start in closed[closed > closed[-1] - horizon] if closed.size else ():
        train, calibrate = landmarks[landmarks + horizon <= start], closed[closed >= start]
        if train.size:
            made = Origin(day, int(start), tuple(map(int, train)), tuple(map(int, calibrate)))
        if train.size >= calibrate.size:
            break
    return made


def _why(landmarks: Ints, closed: Ints, found: int, least: int, horizon: int) -> str:
    """Which of the needs fails, with its figures."""
    start = f"{found} of the {least} back-test dates that are needed: "
    if landmarks.size == 0:
        return start + "there is no past day with indicators."
    span = int(landmarks[-1] - landmarks[0])
    reach = int(closed[-1] - landmarks[0]) if closed.size else 0
    return start + (
        f"{landmarks.size} past days over {span} days, {closed.size} of them with a closed window of {horizon} days, "
        f"reaching {reach} days after the first; a date can judge from {2 * horizon} days after the first on "
        f"({horizon} to train, {horizon} to calibrate)."
    )
