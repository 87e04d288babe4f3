"""Worlds with a mechanism: how troubles move through their stages, and on which day each customer leaves.

A day's hazard is the base rate plus that of each kind of trouble that matters then, by the stage of the week; the day
on which a term ends weighs more. The day of leaving is where the summed hazard first passes a unit exponential draw.
Everything runs on for `FUTURE_DAYS` beyond the window, so that the truth can say who leaves after its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .causes import SETTLING_DAYS, Causes, Events, first_only
from .clock import Bools, Floats, Ints, Times, Window, Words, add_months
from .mechanisms import BASE_REASONS, PEOPLE, STAGES, TROUBLES, Mechanism, Trouble
from .population import Accounts
from .tables import words

FUTURE_DAYS = 98
BLOCK = 2_000  # accounts at a time
YEAR = 365.25


@dataclass(frozen=True)
class Odds:
    """All that a day's hazard follows from: `months` are the accounts' terms, `stages` accounts x weeks by kind."""

    mechanism: Mechanism
    window: Window
    accounts: Accounts
    months: Ints
    stages: dict[str, Ints]

    @property
    def days(self) -> int:
        """How many days are played: the window's and those beyond."""
        return self.window.days + FUTURE_DAYS

    @property
    def week(self) -> Ints:
        """The grid's week of each of these days."""
        ahead = int((self.window.start - self.window.grid_start).astype(int))
        return (ahead + np.arange(self.days)) // 7

    @property
    def switch_day(self) -> np.datetime64 | None:
        """The first day of the later mechanism, if there is one."""
        if self.mechanism.switch_share is None:
            return None
        ahead = np.timedelta64(round(self.mechanism.switch_share * self.window.days), "D")
        day: np.datetime64 = self.window.start + ahead
        return day

    def weights(self, kind: str) -> Floats:
        """How much a kind of trouble matters on each day."""
        first = dict(self.mechanism.drivers).get(kind, 0.0)
        later = dict(self.mechanism.later).get(kind, 0.0)
        if self.switch_day is None:
            return np.full(self.days, first)
        day = self.window.start + np.arange(self.days).astype("m8[D]")
        return np.where(day < self.switch_day, first, later)


@dataclass(frozen=True)
class Fates:
    """The day each account leaves (NaT: on none that is played), why and how."""

    odds: Odds
    leaves: Times
    cause: Words
    quits: Bools  # gives notice with immediate effect, rather than not renewing or not paying


def make_stages(accounts: Accounts, window: Window, rng: np.random.Generator) -> dict[str, Ints]:
    """Every kind of trouble for every account, through all weeks and some beyond."""
    return {trouble.kind: _walk(trouble, accounts.count, _weeks(window), rng) for trouble in TROUBLES}


def _weeks(window: Window) -> int:
    return window.weeks + FUTURE_DAYS // 7 + 1


def transitions(trouble: Trouble) -> Floats:
    """The weekly chances of moving from stage to stage (rows: from, columns: to)."""
    step = np.zeros((STAGES, STAGES))
    step[0, 1] = trouble.onset
    for stage in range(1, STAGES):
        step[stage, stage - 1] = trouble.eases
        if stage < STAGES - 1:
            step[stage, stage + 1] = trouble.deepens
    return step + np.diag(1.0 - step.sum(axis=1))


def _walk(trouble: Trouble, count: int, weeks: int, rng: np.random.Generator) -> Ints:
    upto = np.cumsum(transitions(trouble), axis=1)
    stage = np.zeros((count, weeks), dtype=np.int8)
    now = np.zeros(count, dtype=np.int64)
    for week in range(weeks):
        now = np.minimum((rng.random(count)[:, None] > upto[now]).sum(axis=1), STAGES - 1)
        stage[:, week] = now
    return stage


def with_troubles(
    causes: Causes, accounts: Accounts, stages: dict[str, Ints], window: Window, rng: np.random.Generator
) -> Causes:
    """The causes with what the stages show; the pull of the shocks is taken out, since it moves nobody here."""
    driven = {
        channel: np.array(effect, dtype=np.float32)[stages[trouble.kind][:, : window.weeks]]
        for trouble in TROUBLES
        for channel, effect in trouble.shows.items()
    }
    signals = causes.signals | {"pull": np.zeros_like(causes.signals["pull"])}
    champions, others, back = _departures(stages[PEOPLE][:, : window.weeks], accounts.since, window, rng)
    mine = causes.events["champion_left"]
    first = first_only(_sorted(np.r_[mine.account, champions.account], np.r_[mine.day, champions.day]))
    came = _sorted(np.r_[causes.recovered.account, back.account], np.r_[causes.recovered.day, back.day])
    left: Times = np.full(len(signals["pull"]), np.datetime64("NaT", "D"))
    left[first.account] = first.day
    late = came.day > left[came.account]
    return replace(
        causes,
        signals=signals,
        events=causes.events | {"champion_left": first},
        recovered=first_only(Events(came.account[late], came.day[late], -came.size[late])),
        driven=driven,
        departures=others,
    )


def _sorted(account: Ints, day: Times) -> Events:
    order = np.lexsort((day, account))
    return Events(account[order], day[order], np.ones(len(order)))


def _departures(
    stage: Ints, since: Times, window: Window, rng: np.random.Generator
) -> tuple[Events, Events, Events]:
    """Champions and others who go when a people's trouble begins or worsens, and successors when it is over."""
    before = np.c_[np.zeros(len(stage), stage.dtype), stage[:, :-1]]
    found = []
    for moved, share in (
        ((stage == 1) & (before == 0), 0.65),
        ((stage > before) & (stage >= 2), 0.55),
        ((stage == 0) & (before == 1), 0.7),
    ):
        account, week = np.nonzero(moved & (rng.random(stage.shape) < share))
        day = window.grid_start + (7 * week + rng.integers(2, 7, len(week))).astype("m8[D]")
        keep = (day <= window.end) & (day > since[account] + np.timedelta64(SETTLING_DAYS, "D"))
        found.append(_sorted(account[keep], day[keep]))
    return found[0], found[1], found[2]


def settle(odds: Odds, rng: np.random.Generator) -> Fates:
    """Draw who leaves when and why."""
    draw = rng.exponential(1.0, odds.accounts.count)
    leaves: Times = np.full(odds.accounts.count, np.datetime64("NaT", "D"))
    mass = np.zeros(odds.accounts.count)
    for block, hazard in hazards(odds):
        total = np.cumsum(hazard, axis=1)
        mass[block] = total[:, odds.window.days - 1]
        passed = total >= draw[block, None]
        hit = passed.any(axis=1)
        leaves[block[hit]] = odds.window.start + passed[hit].argmax(axis=1).astype("m8[D]")
    if odds.mechanism.only is not None:
        leaves = _few(odds, mass, odds.mechanism.only, rng)
    cause, quits = _why(odds, leaves, rng)
    return Fates(odds, leaves, cause, quits)


def _few(odds: Odds, mass: Floats, count: int, rng: np.random.Generator) -> Times:
    """Exactly `count` leavers: the account by its summed hazard over the window, then the day by the day's hazard."""
    leaves = np.full(odds.accounts.count, np.datetime64("NaT", "D"))
    chosen = rng.choice(odds.accounts.count, size=count, replace=False, p=mass / mass.sum())
    part = rng.random(count)
    for block, hazard in hazards(odds):
        for one, share in zip(chosen, part, strict=True):
            if block[0] <= one <= block[-1]:
                total = np.cumsum(hazard[one - block[0], : odds.window.days])
                day = int(np.searchsorted(total, share * total[-1]))
                leaves[one] = odds.window.start + np.timedelta64(day, "D")
    return leaves


def hazards(odds: Odds) -> Iterator[tuple[Ints, Floats]]:
    """The hazard of each day (accounts x days), some accounts at a time."""
    for begin in range(0, odds.accounts.count, BLOCK):
        who = np.arange(begin, min(begin + BLOCK, odds.accounts.count))
        rate = np.full((len(who), odds.days), odds.mechanism.base / YEAR)
        for trouble in TROUBLES:
            weight = odds.weights(trouble.kind)
            if weight.any():
                rate += weight * by_stage(trouble)[odds.stages[trouble.kind][who][:, odds.week]]
        yield who, rate * exposure(odds, who)


def by_stage(trouble: Trouble) -> Floats:
    """The daily hazard of each stage."""
    return np.array(trouble.yearly) / YEAR


def exposure(odds: Odds, who: Ints) -> Floats:
    """How many days each day counts for (accounts x days).

    None before a customer's second day and on the window's first, one ordinarily, more on the day a term ends.
    """
    since = odds.accounts.since[who]
    first = np.where(np.isnat(since), odds.days, (since - odds.window.start).astype(np.int64))
    counts = np.where(np.arange(odds.days)[None, :] > np.maximum(first, 0)[:, None], 1.0, 0.0)
    if odds.mechanism.term_end > 0:
        row, day = term_ends(odds, who)
        counts[row, day] *= 1.0 + odds.mechanism.term_end * odds.months[who[row]]
    return counts


def term_ends(odds: Odds, who: Ints) -> tuple[Ints, Ints]:
    """Pairs of (position in `who`, day since the window's start) on which a customer's term ends."""
    window, months = odds.window, odds.months[who]
    customer = odds.accounts.is_customer[who]
    since = np.where(customer, odds.accounts.since[who], window.end)
    most = int((window.end.astype("M8[M]") - since.min().astype("M8[M]")).astype(int)) + FUTURE_DAYS // 28 + 1
    rows, days = [], []
    for number in range(1, most + 1):
        row = np.flatnonzero(customer & (number % months == 0))
        day = (add_months(since[row], number) - window.start).astype(np.int64)
        keep = (day >= 0) & (day < odds.days)
        rows.append(row[keep])
        days.append(day[keep])
    return np.concatenate(rows), np.concatenate(days)


def _why(odds: Odds, leaves: Times, rng: np.random.Generator) -> tuple[Words, Bools]:
    """The kind of trouble that struck, in proportion to its share of that day's hazard, and a reason of its kind."""
    who = np.flatnonzero(~np.isnat(leaves))
    day = (leaves[who] - odds.window.start).astype(np.int64)
    week = odds.week[day]
    rates = [np.full(len(who), odds.mechanism.base / YEAR)]
    for trouble in TROUBLES:
        rates.append(
            odds.weights(trouble.kind)[day] * by_stage(trouble)[odds.stages[trouble.kind][who, week]]
        )
    upto = np.cumsum(np.stack(rates, axis=1), axis=1)
    struck = (rng.random(len(who))[:, None] * upto[:, -1:] > upto).sum(axis=1)
    banks = [BASE_REASONS, *(trouble.reasons for trouble in TROUBLES)]
    pick = rng.random(len(who))
    cause = np.full(odds.accounts.count, None, dtype=object)
    cause[who] = words(banks[kind][int(p * len(banks[kind]))] for kind, p in zip(struck, pick, strict=True))
    lapses = np.zeros(odds.accounts.count, dtype=bool)
    if odds.mechanism.term_end > 0 and len(who):
        row, at = term_ends(odds, who)
        lapses[who[row[at == day[row]]]] = True
    return cause, ~lapses & (cause != "non_payment")
