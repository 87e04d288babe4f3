"""The true chance of leaving in the worlds where a decision is made once a term, by the pull of shocks.

Such a decision is a coin, tossed some weeks before the term ends, whose chance follows from the mean pull of the nine
weeks before. On a day D: a coin that was tossed before D is part of the state (`settled`; its chance is 0 or 1); for
one that is yet to be tossed, the pull known so far dies away as the shocks do, and what may come is added from `PATHS`
futures drawn by the rules of `causes` (the same futures for all accounts of a day). Approximations: new customers are
not spared in their first month, and the whole of the week in which D lies counts as known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .causes import Events, work_through
from .clock import Bools, Floats, Ints, Times, add_months
from .contracts import MOOD_WEEKS, decided_on
from .population import SMB
from .scene import Scene
from .worlds import Shock

PATHS = 256
WEEKS = 14  # ahead; decisions about renewals within 90 days fall no later
MOST_COINS = 4  # monthly terms that end within 90 days
CHAMPION = "champion_left"
WANDER_KEEPS, WANDER_PULL = 0.975, -1.3  # as `causes` lets engagement wander, and what that does to the pull
SHARE_BACK, UNDONE, FIRST_BACK, LAST_BACK = 0.55, 0.55, 21, 109  # successors, as `causes` draws them


@dataclass(frozen=True)
class _Successors:
    """The week of arrival (accounts x futures; WEEKS + 1: none), what it undoes, and how that is felt."""

    week: Ints
    undone: Floats
    felt: Floats  # week of arrival x (0 to WEEKS), as the mean of the last weeks


@dataclass(frozen=True)
class _Futures:
    """What may come, as the mean pull of the nine weeks up to each week ahead."""

    paths: Floats  # kinds of account x futures x (0 to WEEKS)
    kind: Ints  # of each account
    successors: _Successors

    def at(self, row: Ints, week: Ints) -> Floats:
        """Accounts x futures: what the weeks up to the one given may add."""
        after = self.successors
        drawn = self.paths[self.kind[row], :, week]
        return np.asarray(drawn + after.undone[row, None] * after.felt[after.week[row], week[:, None]])


def _by_account(events: Events, count: int) -> Times:
    day = np.full(count, np.datetime64("NaT", "D"))
    day[events.account] = events.day
    return day


def _recent(weeks: Floats) -> Floats:
    """The mean of nine weeks up to week 0, 1, 2 ...; the first nine of the last axis are the weeks up to week 0."""
    total = np.concatenate([np.zeros((*weeks.shape[:-1], 1)), np.cumsum(weeks, axis=-1)], axis=-1)
    return np.asarray((total[..., MOOD_WEEKS:] - total[..., :-MOOD_WEEKS]) / MOOD_WEEKS)


def _padded(ahead: Floats) -> Floats:
    """The same for weeks 1 to WEEKS, with nothing before them."""
    return _recent(np.concatenate([np.zeros((*ahead.shape[:-1], MOOD_WEEKS)), ahead], axis=-1))


def _wander(step: float, rng: np.random.Generator) -> Floats:
    """Futures x weeks: what further steps add to the wander of engagement, as pull."""
    steps = rng.normal(0.0, step, (PATHS, WEEKS))
    level = np.zeros((PATHS, WEEKS))
    now = np.zeros(PATHS)
    for week in range(WEEKS):
        now = WANDER_KEEPS * now + steps[:, week]
        level[:, week] = now
    return WANDER_PULL * level


def _pull(shock: Shock, strikes: Ints, rng: np.random.Generator) -> Floats:
    """Futures x weeks: the pull of further strikes of a shock."""
    size = strikes * rng.uniform(0.6, 1.4, strikes.shape)
    level = work_through(size.astype(np.float32), rise_weeks=shock.rise_weeks, fade_weeks=shock.fade_weeks)
    return shock.effects["pull"] * level.astype(np.float64)


def _first_departures(shock: Shock, rng: np.random.Generator) -> Floats:
    """Futures x weeks: the pull of a champion who leaves, once, and is perhaps succeeded."""
    strikes = rng.poisson(shock.per_year * 7 / 365.25, (PATHS, WEEKS)) > 0
    first = np.where(strikes.any(axis=1), strikes.argmax(axis=1), WEEKS)
    wait = rng.integers(FIRST_BACK, LAST_BACK + 1, PATHS)
    back = np.where(rng.random(PATHS) < SHARE_BACK, first + np.rint(wait / 7).astype(np.int64), WEEKS)
    impulse = np.zeros((PATHS, WEEKS))
    size, some = rng.uniform(0.6, 1.4, PATHS), np.flatnonzero(first < WEEKS)
    impulse[some, first[some]] = size[some]
    some = np.flatnonzero((first < WEEKS) & (back < WEEKS))
    impulse[some, back[some]] -= UNDONE * size[some]
    level = work_through(impulse.astype(np.float32), rise_weeks=shock.rise_weeks, fade_weeks=shock.fade_weeks)
    return shock.effects["pull"] * level.astype(np.float64)


class Foresight:
    """Chances for a scene, day by day."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self._scene, self._rng = scene, rng
        self._shocks = scene.setting.world.shocks
        count = scene.accounts.count
        self._departed = _by_account(scene.causes.events[CHAMPION], count)
        self._back = _by_account(scene.causes.recovered, count)
        self._size = np.zeros(count)
        self._size[scene.causes.events[CHAMPION].account] = scene.causes.events[CHAMPION].size

    def chances(self, who: Ints, day: np.datetime64, horizons: tuple[int, ...]) -> tuple[Floats, Bools]:
        """Customers x horizons, and for whom a decision about a term that ends in reach was made before the day."""
        renewal = self._renewals(who, day)
        binding = self._scene.contracts.binding
        decided = np.stack([decided_on(column, who, binding) for column in renewal.T], axis=1)
        ahead, tossed = (renewal - day).astype(np.int64), decided < day
        going = tossed & (self._scene.contracts.gives_up[who][:, None] == decided)
        open_ = ~tossed & (ahead < horizons[-1])
        some = np.flatnonzero(open_.any(axis=1))
        rates = self._rates(who[some], day, decided[some], ahead[some], open_[some], horizons)
        out = np.empty((len(who), len(horizons)))
        for number, horizon in enumerate(horizons):
            leaves = (going & (ahead < horizon)).any(axis=1)
            out[:, number] = leaves
            out[some, number] = np.where(leaves[some], 1.0, 1.0 - np.exp(-rates[number]).mean(axis=1))
        return out, np.asarray((tossed & (ahead < horizons[-1])).any(axis=1))

    def _renewals(self, who: Ints, day: np.datetime64) -> Times:
        """The next term ends from the day on, itself included: customers x MOST_COINS."""
        since, months = self._scene.accounts.since[who], self._scene.contracts.binding.months[who]
        passed = (day.astype("M8[M]") - since.astype("M8[M]")).astype(np.int64)
        number = np.maximum(passed // months, 1)
        number = number + (add_months(since, number * months) < day)
        return np.stack([add_months(since, (number + turn) * months) for turn in range(MOST_COINS)], axis=1)

    def _rates(
        self,
        who: Ints,
        day: np.datetime64,
        decided: Times,
        ahead: Ints,
        open_: Bools,
        horizons: tuple[int, ...],
    ) -> list[Floats]:
        """For each horizon, accounts x futures: -log of the chance that no coin within it says to leave."""
        scene, world = self._scene, self._scene.setting.world
        now = int(scene.window.week_of(np.array([day]))[0])
        until = np.clip((decided - scene.window.grid_start).astype(np.int64) // 7 - now, 0, WEEKS)
        months = scene.contracts.binding.months[who]
        fixed = np.log(world.base_leave_rate * np.minimum(months, 18) / 12) + scene.causes.frailty[who]
        fixed += np.array(world.pull_by_segment)[scene.accounts.segment[who]]
        known = _recent(np.concatenate([self._past(who, now), self._course(who, now)], axis=1))
        futures = self._futures(who, day)
        totals: list[Floats] = [np.zeros((len(who), PATHS), dtype=np.float32) for _ in horizons]
        for turn in range(MOST_COINS):
            row = np.flatnonzero(open_[:, turn])
            week = until[row, turn]
            rate = np.exp((known[row, week] + fixed[row])[:, None] + futures.at(row, week))
            for total, horizon in zip(totals, horizons, strict=True):
                within = ahead[row, turn] < horizon
                total[row[within]] += rate[within]
        return totals

    def _past(self, who: Ints, now: int) -> Floats:
        weeks = np.maximum(np.arange(now - MOOD_WEEKS + 1, now + 1), 0)
        return np.asarray(self._scene.causes.signals["pull"][who[:, None], weeks], dtype=np.float64)

    def _course(self, who: Ints, now: int) -> Floats:
        """The pull of the coming weeks if nothing further happens."""
        causes = self._scene.causes
        wander = causes.signals["pull"][who, now].astype(np.float64)
        course = np.zeros((len(who), WEEKS))
        for shock in self._shocks:
            felt = causes.levels[shock.name][who, now].astype(np.float64)
            earlier = causes.levels[shock.name][who, max(now - 1, 0)].astype(np.float64)
            follow = 1.0 / max(shock.rise_weeks, 1.0)
            raw = earlier + (felt - earlier) / follow
            wander -= shock.effects["pull"] * felt
            for ahead in range(WEEKS):
                raw = raw * np.exp(-1.0 / shock.fade_weeks)
                felt = felt + follow * (raw - felt)
                course[:, ahead] += shock.effects["pull"] * felt
        return np.asarray(course + wander[:, None] * WANDER_KEEPS ** np.arange(1, WEEKS + 1))

    def _futures(self, who: Ints, day: np.datetime64) -> _Futures:
        """What the coming weeks may bring, by what can still befall an account."""
        champion = next(shock for shock in self._shocks if shock.name == CHAMPION)
        small = self._scene.accounts.segment[who] == SMB
        left = ~np.isnat(self._departed[who]) & (self._departed[who] <= day)
        common = _wander(self._scene.setting.world.drift, self._rng)
        spared = np.zeros_like(common)
        for shock in self._shocks:
            if shock.name != CHAMPION:
                path = _pull(shock, self._rng.poisson(shock.per_year * 7 / 365.25, (PATHS, WEEKS)), self._rng)
                if shock.business_only:
                    spared += path
                else:
                    common += path
        own = _first_departures(champion, self._rng)
        paths = np.stack([common, common + spared, common + own, common + spared + own])
        kind = (~small).astype(np.int64) + 2 * ~left
        return _Futures(_padded(paths), kind, self._successors(who, day, left, champion))

    def _successors(self, who: Ints, day: np.datetime64, left: Bools, champion: Shock) -> _Successors:
        """When a successor of a champion who left comes, in each future, given that none has come by the day."""
        waits = left & ~(self._back[who] <= day)
        row = np.flatnonzero(waits)
        gone_for = np.where(waits, (day - self._departed[who]).astype(np.int64), 0)[row]
        still = np.clip(LAST_BACK - np.maximum(gone_for, FIRST_BACK - 1), 0, None) / (
            LAST_BACK - FIRST_BACK + 1
        )
        chance = SHARE_BACK * still / (1.0 - SHARE_BACK + SHARE_BACK * still)
        comes = self._rng.random((len(row), PATHS)) < chance[:, None]
        first = np.maximum(gone_for + 1, FIRST_BACK)
        span = np.maximum(LAST_BACK + 1 - first, 1)
        wait = (
            first[:, None] + np.floor(self._rng.random((len(row), PATHS)) * span[:, None]) - gone_for[:, None]
        )
        week = np.where(comes, np.minimum(np.ceil(wait / 7), WEEKS + 1), WEEKS + 1).astype(np.int64)
        out = np.full((len(who), PATHS), WEEKS + 1, dtype=np.int64)
        out[row] = week
        undone = champion.effects["pull"] * -UNDONE * self._size[who]
        response = np.zeros((WEEKS + 2, WEEKS))
        response[np.arange(1, WEEKS + 1), np.arange(WEEKS)] = (
            1.0  # week of arrival by row; the last row: nobody
        )
        level = work_through(
            response.astype(np.float32), rise_weeks=champion.rise_weeks, fade_weeks=champion.fade_weeks
        )
        return _Successors(out, undone, _padded(level.astype(np.float64)))
