"""Days, weeks and moments of the simulated window, as numpy arrays."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]
Times: TypeAlias = npt.NDArray[np.datetime64]
Words: TypeAlias = npt.NDArray[np.object_]

WARMUP_WEEKS = 40  # shocks of the time before the window, so that it does not open on a calm sea
NEVER = np.datetime64("NaT", "s")
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Window:
    """The days that the bundle covers, both ends included, and the weekly grid of the latent signals."""

    start: np.datetime64
    end: np.datetime64

    @classmethod
    def ending(cls, end: datetime.date, *, days: int) -> Window:
        """The window of `days` days whose last day is `end`."""
        last = np.datetime64(end, "D")
        return cls(start=last - np.timedelta64(days - 1, "D"), end=last)

    @property
    def days(self) -> int:
        """How many days the window has."""
        return int((self.end - self.start).astype(int)) + 1

    @property
    def years(self) -> float:
        """The window's length in years."""
        return self.days / 365.25

    @property
    def grid_start(self) -> np.datetime64:
        """The first day of the weekly grid, before the window opens."""
        return self.start - np.timedelta64(7 * WARMUP_WEEKS, "D")

    @property
    def weeks(self) -> int:
        """How many weeks the grid has; the last may be cut short by the end."""
        return WARMUP_WEEKS + (self.days + 6) // 7 + 1

    @property
    def last_moment(self) -> np.datetime64:
        """The last second of the last day."""
        midnight: np.datetime64 = self.end.astype("M8[s]")
        return midnight + np.timedelta64(DAY_SECONDS - 1, "s")

    def week_of(self, when: Times) -> Ints:
        """The grid's week of each moment, held inside the grid."""
        days = (when.astype("M8[D]") - self.grid_start).astype(np.int64)
        return np.clip(days // 7, 0, self.weeks - 1)

    def covers(self, when: Times) -> Bools:
        """Which moments lie inside the window."""
        days = when.astype("M8[D]")
        return (days >= self.start) & (days <= self.end)

    def known(self, when: Times) -> Times:
        """The moments, with those after the window's end blanked: they have not happened yet."""
        return np.where(when <= self.last_moment, when, NEVER)


def add_months(days: Times, months: Ints | int) -> Times:
    """The same day of the month so many months later, for days of the month up to 28."""
    month = days.astype("M8[M]")
    day_of_month = days.astype("M8[D]") - month.astype("M8[D]")
    return np.asarray((month + np.asarray(months).astype("m8[M]")).astype("M8[D]") + day_of_month)


def at_midnight(days: Times) -> Times:
    """The first second of each day."""
    return days.astype("M8[D]").astype("M8[s]")


def add_seconds(when: Times, seconds: Floats | Ints) -> Times:
    """Each moment moved by so many seconds."""
    return np.asarray(when.astype("M8[s]") + np.asarray(seconds).astype(np.int64).astype("m8[s]"))


def add_days(when: Times, days: Floats | Ints) -> Times:
    """Each moment moved by so many days, which may have fractions."""
    return add_seconds(when, np.asarray(days, dtype=np.float64) * DAY_SECONDS)


def in_office_hours(days: Times, rng: np.random.Generator) -> Times:
    """A moment of the working day on each day; weekends move back to the Friday before."""
    day = days.astype("M8[D]")
    weekday = (day.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    day = day - np.maximum(weekday - 4, 0).astype("m8[D]")
    return add_seconds(at_midnight(day), 28_800 + rng.integers(0, 36_000, len(day)))


def uniform_days(first: Times, last: Times, rng: np.random.Generator) -> Times:
    """A day drawn evenly between each pair of days, both included."""
    span = np.maximum((last.astype("M8[D]") - first.astype("M8[D]")).astype(np.int64), 0)
    ahead = np.floor(rng.random(len(span)) * (span + 1)).astype(np.int64)
    return np.asarray(first.astype("M8[D]") + ahead.astype("m8[D]"))
