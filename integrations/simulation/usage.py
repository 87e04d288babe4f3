"""Daily usage, built in blocks of accounts x days so that memory stays flat however many accounts there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from .clock import Bools, Floats, Ints, Window
from .names import PLACES
from .scene import Scene
from .tables import BundleWriter, Columns, spread, whole_numbers, words

BLOCK_CELLS = 120_000  # account-days in one block: some tens of megabytes at the peak
METRICS = (
    "active_users", "logins", "sessions", "core_events", "features_used", "api_calls", "errors", "data_gb",
    "records_created",
)  # fmt: skip
_REGIONS = ("AMER", "EMEA", "APAC")
_HOLIDAYS = {
    "AMER": ((1, 1), (7, 4), (11, 26), (11, 27)),
    "EMEA": ((1, 1), (5, 1), (8, 15), (12, 26)),
    "APAC": ((1, 1), (1, 26), (4, 29), (11, 3)),
}


@dataclass(frozen=True)
class _Habits:
    """How each account uses the product, apart from its fate."""

    share: Floats
    weekend: Floats
    intensity: Floats
    features: Floats
    api: Floats
    error_rate: Floats
    stored: Floats
    region: Ints


def write_usage(
    writer: BundleWriter, scene: Scene, rng: np.random.Generator, on_block: Callable[[int, int], None]
) -> None:
    """Write one row for each account and day that it was a customer and was measured."""
    writer.write_blocks("usage_daily", _blocks(scene, rng, on_block))


def _blocks(
    scene: Scene, rng: np.random.Generator, on_block: Callable[[int, int], None]
) -> Iterator[Columns]:
    habits = _habits(scene, rng)
    calendar = _calendar(scene.window)
    who = np.flatnonzero(scene.accounts.tracked & scene.accounts.is_customer)
    step = max(1, BLOCK_CELLS // scene.window.days)
    for begin in range(0, max(len(who), 1), step):
        block = who[begin : begin + step]
        yield _one_block(scene, habits, calendar, block, rng)
        on_block(min(begin + step, len(who)), len(who))


def _habits(scene: Scene, rng: np.random.Generator) -> _Habits:
    count = scene.accounts.count
    region = words(PLACES[index].region for index in scene.accounts.place)
    return _Habits(
        share=rng.beta(5, 4, count),
        weekend=rng.uniform(0.05, 0.32, count),
        intensity=rng.lognormal(2.2, 0.35, count),
        features=rng.uniform(6, 20, count),
        api=np.where(rng.random(count) < 0.4, 0.0, rng.lognormal(1.6, 1.0, count)),
        error_rate=rng.lognormal(-5.2, 0.5, count),
        stored=scene.accounts.seats * rng.lognormal(-1.4, 0.7, count),
        region=np.array([_REGIONS.index(name) for name in region]),
    )


def _calendar(window: Window) -> Floats:
    """How busy each day is (regions x days) apart from weekends: summer, the turn of the year, public holidays."""
    days = window.start + np.arange(window.days).astype("m8[D]")
    month = days.astype("M8[M]").astype(np.int64) % 12 + 1
    day = (days - days.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1
    busy = np.ones((len(_REGIONS), window.days))
    for row, region in enumerate(_REGIONS):
        summer = (month == 8) if region == "EMEA" else (month == 7)
        busy[row] *= np.where(summer, 0.84 if region == "EMEA" else 0.93, 1.0)
        busy[row] *= np.where((month == 12) & (day >= 23), 0.38, 1.0)
        for holiday in _HOLIDAYS[region]:
            busy[row] *= np.where((month == holiday[0]) & (day == holiday[1]), 0.3, 1.0)
    return busy


def _daily(scene: Scene, channel: str, who: Ints) -> Floats:
    """A weekly signal drawn out to the days of the window: in straight lines, or where the world has a mechanism in
    steps, since a line towards next week's level would know the future."""
    window, signal = scene.window, scene.causes.shown(channel)[who]
    offset = (window.start - window.grid_start).astype(np.int64) + np.arange(window.days)
    if scene.setting.fates is not None:
        return signal[:, offset // 7]
    week, part = offset // 7, (offset % 7 / 7.0).astype(np.float32)
    after = np.minimum(week + 1, window.weeks - 1)
    return signal[:, week] * (1 - part) + signal[:, after] * part


def _one_block(
    scene: Scene, habits: _Habits, calendar: Floats, who: Ints, rng: np.random.Generator
) -> dict[str, pl.Series]:
    window = scene.window
    cells = _measured(scene, who, rng)
    active = _active_users(scene, habits, calendar, who, rng)
    metrics = _metrics(scene, habits, who, active, rng)
    row, column = np.nonzero(cells)
    dates = words(np.datetime_as_string(window.start + np.arange(window.days).astype("m8[D]")))
    out = {"account_external_id": spread(scene.accounts.ids, who[row]), "date": spread(dates, column)}
    for name in METRICS:
        values = metrics[name][cells]
        values[rng.random(len(values)) < 0.004] = np.nan
        out[name] = pl.Series(values).fill_nan(None) if name == "data_gb" else whole_numbers(values)
    return out


def _measured(scene: Scene, who: Ints, rng: np.random.Generator) -> Bools:
    """Which account-days have a row: customers' days, without single gaps and without outages of some days."""
    window, shape = scene.window, (len(who), scene.window.days)
    day = np.arange(window.days)
    since = (scene.accounts.since[who] - window.start).astype(np.int64)
    gone = (
        np.where(np.isnat(scene.contracts.gone[who]), window.end + 1, scene.contracts.gone[who])
        - window.start
    )
    cells = (day >= since[:, None]) & (day < gone.astype(np.int64)[:, None]) & (rng.random(shape) >= 0.008)
    outage = np.where(rng.random(len(who)) < 0.12, rng.integers(0, window.days, len(who)), window.days + 99)
    length = rng.integers(2, 11, len(who))
    return np.asarray(cells & ~((day >= outage[:, None]) & (day < (outage + length)[:, None])))


def _active_users(
    scene: Scene, habits: _Habits, calendar: Floats, who: Ints, rng: np.random.Generator
) -> Floats:
    window, accounts = scene.window, scene.accounts
    shape = (len(who), window.days)
    level = np.exp(np.clip(_daily(scene, "usage", who), -3.0, 0.9))
    weekday = ((window.start + np.arange(window.days).astype("m8[D]")).astype(np.int64) + 3) % 7
    rhythm = np.where(weekday >= 5, habits.weekend[who][:, None], np.where(weekday == 4, 0.9, 1.0)[None, :])
    expected = (accounts.seats * habits.share)[who][:, None] * level * rhythm * calendar[habits.region[who]]
    expected *= _ramp(scene, who) * np.exp(0.10 * rng.standard_normal(shape, dtype=np.float32))
    most = accounts.seats[who].astype(np.float32)[:, None] * np.float32(1.1) + 1
    return np.asarray(np.minimum(_counts(expected.astype(np.float32), rng), most))


def _ramp(scene: Scene, who: Ints) -> Floats:
    """New customers warm up over their first two months; those who have given up wind down."""
    day = np.arange(scene.window.days)[None, :]
    age = day - (scene.accounts.since[who] - scene.window.start).astype(np.int64)[:, None]
    warm = 1.0 - 0.85 * np.exp(-np.maximum(age, 0) / 22.0)
    gives_up = scene.contracts.gives_up[who]
    never = np.isnat(gives_up)
    since = day - (np.where(never, scene.window.end, gives_up) - scene.window.start).astype(np.int64)[:, None]
    wind_down = np.where(never[:, None], 1.0, np.exp(-np.maximum(since, 0) / 45.0))
    return np.asarray(warm * wind_down)


def _counts(expected: Floats, rng: np.random.Generator) -> Floats:
    """Counts that scatter about as Poisson counts do, many times as fast."""
    noise = rng.standard_normal(expected.shape, dtype=np.float32)
    return np.asarray(np.maximum(np.rint(expected + np.sqrt(expected) * noise), 0.0))


def _metrics(
    scene: Scene, habits: _Habits, who: Ints, active: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    window = scene.window
    breadth = np.exp(np.clip(_daily(scene, "breadth", who), -2.5, 0.6))
    trouble = np.exp(np.clip(0.5 * _daily(scene, "tickets", who), -1.0, 2.5))
    logins = active + _counts(0.55 * active, rng)
    sessions = logins + _counts(0.35 * active, rng)
    core = _counts(active * _per_account(habits.intensity, who) * breadth**0.7, rng)
    reach = _per_account(habits.features, who) * breadth * (1.0 - np.exp(-active / 6.0))
    api = _counts(_per_account(habits.api, who) * (4.0 + active) * breadth**0.3, rng)
    errors = _counts((core + 0.2 * api) * _per_account(habits.error_rate, who) * trouble, rng)
    growth = 1.0 + 0.0006 * np.arange(window.days, dtype=np.float32)[None, :]
    stored = (
        _per_account(habits.stored, who)
        * growth
        * (0.985 + 0.03 * rng.random(active.shape, dtype=np.float32))
    )
    return {
        "active_users": active,
        "logins": logins,
        "sessions": sessions,
        "core_events": core,
        "features_used": np.where(active > 0, np.maximum(np.rint(reach + 0.6 * (logins % 3 - 1)), 1.0), 0.0),
        "api_calls": api,
        "errors": errors,
        "data_gb": np.round(stored, 1),
        "records_created": _counts(0.18 * core, rng),
    }


def _per_account(values: Floats, who: Ints) -> Floats:
    return values[who].astype(np.float32)[:, None]
