"""The latent life of each account: shocks, slow drift, and the weekly signals that follow from them.

Nothing of this is written to the bundle. The other modules read the signals to decide how much an account uses, how
its people sound, how soon it pays, and (through `pull`) how likely it is to leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .clock import Floats, Ints, Times, Window, uniform_days
from .population import SMB, Accounts
from .worlds import CHANNELS, Shock, World

if TYPE_CHECKING:
    from .fates import Fates

SETTLING_DAYS = 30  # nothing befalls a customer in its first month


@dataclass(frozen=True)
class Events:
    """When a kind of shock struck whom, and how hard."""

    account: Ints
    day: Times
    size: Floats


@dataclass(frozen=True)
class Causes:
    """Weekly signals (accounts x weeks) by channel, the shocks behind them, and each account's hidden frailty."""

    signals: dict[str, Floats]
    levels: dict[str, Floats]
    events: dict[str, Events]
    recovered: Events
    frailty: Floats
    driven: dict[str, Floats] = field(
        default_factory=dict
    )  # what staged troubles show, in the data of their kind
    departures: Events | None = None  # people who go because of them, beside the champion

    def shown(self, channel: str) -> Floats:
        """A signal with what staged troubles add to it, for the one file in which they show."""
        extra = self.driven.get(channel)
        return self.signals[channel] if extra is None else self.signals[channel] + extra

    def shown_at(self, channel: str, account: Ints, week: Ints) -> Floats:
        """The same for these accounts in these weeks."""
        extra = self.driven.get(channel)
        plain = self.at(channel, account, week)
        return plain if extra is None else plain + extra[account, week]

    def at(self, channel: str, account: Ints, week: Ints) -> Floats:
        """A signal of these accounts in these weeks."""
        return self.signals[channel][account, week]

    def recent(self, channel: str, account: Ints, week: Ints, *, weeks: int) -> Floats:
        """The mean of a signal over the weeks up to and including the one given."""
        back = np.arange(weeks)
        index = np.maximum(week[:, None] - back[None, :], 0)
        return np.asarray(self.signals[channel][account[:, None], index].mean(axis=1))


def make_causes(accounts: Accounts, window: Window, world: World, rng: np.random.Generator) -> Causes:
    """Draw the shocks of a world and let them work through the weeks."""
    shape = (accounts.count, window.weeks)
    signals = {channel: np.zeros(shape, dtype=np.float32) for channel in CHANNELS}
    levels: dict[str, Floats] = {}
    events: dict[str, Events] = {}
    recovered = Events(np.empty(0, np.int64), np.empty(0, "M8[D]"), np.empty(0))
    for shock in world.shocks:
        struck = _strike(shock, accounts, window, rng)
        impulse = _impulses(struck, window, shape)
        if shock.name == "champion_left":
            struck = first_only(struck)
            recovered = _recoveries(struck, window, rng)
            impulse = _impulses(struck, window, shape) + _impulses(recovered, window, shape)
        level = work_through(impulse, rise_weeks=shock.rise_weeks, fade_weeks=shock.fade_weeks)
        for channel, effect in shock.effects.items():
            signals[channel] += np.float32(effect) * level
        levels[shock.name], events[shock.name] = level, struck
    drift = _drift(shape, world.drift, rng)
    for channel, effect in (
        ("usage", 1.0),
        ("breadth", 0.4),
        ("mood", 0.5),
        ("replies", 0.5),
        ("pull", -1.3),
    ):
        signals[channel] += np.float32(effect) * drift
    return Causes(signals, levels, events, recovered, rng.normal(0.0, world.frailty, accounts.count))


def _strike(shock: Shock, accounts: Accounts, window: Window, rng: np.random.Generator) -> Events:
    """How often a shock strikes each account over the whole grid is a matter of chance alone."""
    years = 7 * window.weeks / 365.25
    times = rng.poisson(shock.per_year * years, accounts.count)
    account = np.repeat(np.arange(accounts.count), times)
    first = np.repeat(window.grid_start, len(account))
    day = uniform_days(first, np.repeat(window.end, len(account)), rng)
    size = rng.uniform(0.6, 1.4, len(account))
    since = accounts.since[account]
    keep = day > since + np.timedelta64(SETTLING_DAYS, "D")  # never for a prospect, whose day is empty
    if shock.business_only:
        keep &= accounts.segment[account] != SMB
    order = np.lexsort((day[keep], account[keep]))
    return Events(account[keep][order], day[keep][order], size[keep][order])


def first_only(events: Events) -> Events:
    """One event an account, the earliest: a champion leaves once."""
    account, first = np.unique(events.account, return_index=True)
    return Events(account, events.day[first], events.size[first])


def _recoveries(departures: Events, window: Window, rng: np.random.Generator) -> Events:
    """Some departed champions get a successor after a while, who undoes part of the damage."""
    replaced = rng.random(len(departures.account)) < 0.55
    wait = rng.integers(21, 110, len(departures.account)).astype("m8[D]")
    day = departures.day + wait
    replaced &= day <= window.end
    return Events(departures.account[replaced], day[replaced], -0.55 * departures.size[replaced])


def _impulses(events: Events, window: Window, shape: tuple[int, int]) -> Floats:
    grid = np.zeros(shape, dtype=np.float32)
    np.add.at(grid, (events.account, window.week_of(events.day)), events.size)
    return grid


def work_through(impulse: Floats, *, rise_weeks: float, fade_weeks: float) -> Floats:
    """Impulses, smoothed on their way up and fading exponentially afterwards."""
    keep, follow = np.float32(np.exp(-1.0 / fade_weeks)), np.float32(1.0 / max(rise_weeks, 1.0))
    raw: Floats = np.zeros(len(impulse), np.float32)
    felt: Floats = np.zeros(len(impulse), np.float32)
    level = np.empty_like(impulse)
    for week in range(impulse.shape[1]):
        raw = keep * raw + impulse[:, week]
        felt = felt + follow * (raw - felt)
        level[:, week] = felt
    return level


def _drift(shape: tuple[int, int], step: float, rng: np.random.Generator) -> Floats:
    """A slow wander of engagement that comes back to where it started."""
    steps = rng.normal(0.0, step, shape).astype(np.float32)
    wander = rng.normal(0.0, step * 4, shape[0]).astype(np.float32)
    level = np.empty(shape, dtype=np.float32)
    for week in range(shape[1]):
        wander = np.float32(0.975) * wander + steps[:, week]
        level[:, week] = wander
    return level


@dataclass(frozen=True)
class Setting:
    """What is settled before anybody signs, writes or pays: the window, the world, its accounts and their fates."""

    window: Window
    world: World
    accounts: Accounts
    causes: Causes
    fates: Fates | None = None  # who leaves when, where the world has a mechanism; else contracts decide
