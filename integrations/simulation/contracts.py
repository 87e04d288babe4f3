"""Contract terms one after another: what renews, grows, shrinks or leaves, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .causes import Causes, Setting
from .clock import NEVER, Bools, Floats, Ints, Times, Words, add_months, at_midnight, in_office_hours
from .fates import Fates
from .population import Accounts
from .tables import words

KINDS = words(("churned", "renewed", "downgraded", "expanded"))
CHURNED, RENEWED, DOWNGRADED, EXPANDED, OPEN = 0, 1, 2, 3, 4
MOOD_WEEKS = 9  # a decision looks back over about two months

REASONS: dict[str, tuple[str, ...]] = {
    "champion_left": ("sponsor left", "no internal owner any more"),
    "ticket_wave": ("unhappy with support", "too many defects"),
    "price_rise": ("too expensive", "moved to a cheaper vendor"),
    "layoffs": ("budget cut", "team dissolved"),
    "feature_dropped": ("low usage", "need went away"),
    "neglect": ("no value seen", "felt left alone"),
    "cash_squeeze": ("budget cut", "could not pay"),
}
OTHER_REASONS = ("project ended", "moved to another tool", "merged into group contract")


@dataclass(frozen=True)
class Terms:
    """One row for each contract term of the core product that touches the window."""

    account: Ints
    number: Ints
    start: Times
    renewal: Times
    months: Ints
    seats: Ints
    arr: Floats
    list_arr: Floats
    next_arr: Floats
    result: Ints
    leaving: Bools
    ends: Times
    cancelled_at: Times
    cause: Words

    @property
    def count(self) -> int:
        """How many terms there are."""
        return len(self.account)


@dataclass(frozen=True)
class Binding:
    """How each account's contract binds it."""

    months: Ints
    auto_renew: Bools
    notice_days: Ints
    uplift_cap: Floats


@dataclass(frozen=True)
class Contracts:
    """The terms, how they bind, and for each account the day it gave up and the day it was gone (mostly never)."""

    terms: Terms
    binding: Binding
    gives_up: Times
    gone: Times


@dataclass
class _State:
    """Where each account stands as its terms follow one another."""

    start: Times
    number: Ints
    seats: Ints
    arr: Floats
    alive: Bools


def make_contracts(setting: Setting, rng: np.random.Generator, binding: Binding | None = None) -> Contracts:
    """Run every account's contract from the term at the window's start to the term at its end."""
    binding = binding or bind(setting.accounts, rng)
    state = _opening(setting, binding.months, rng)
    gives_up = np.full(setting.accounts.count, np.datetime64("NaT", "D"))
    gone = gives_up.copy()
    pieces: list[Terms] = []
    while True:
        live = np.flatnonzero(state.alive & (state.start <= setting.window.end))
        if len(live) == 0:
            return Contracts(_joined(pieces), binding, gives_up, gone)
        if setting.fates is None:
            term = _one_term(live, state, setting, binding, rng)
            gives_up[live[term.leaving]] = decided_on(term.renewal, live, binding)[term.leaving]
        else:
            term = _fated_term(live, state, setting, setting.fates, binding, rng)
        left = term.result == CHURNED
        gone[live[left]] = term.ends[left]
        pieces.append(term)
        _move_on(state, term)


def bind(accounts: Accounts, rng: np.random.Generator) -> Binding:
    """Draw for each account how its contract binds it."""
    choices = ((1, 3, 12), (1, 12, 24), (12, 24, 36))
    shares = ((0.34, 0.10, 0.56), (0.06, 0.82, 0.12), (0.66, 0.22, 0.12))
    months = np.full(accounts.count, 12)
    for segment in range(3):
        drawn = rng.choice(choices[segment], size=accounts.count, p=shares[segment])
        months = np.where(accounts.segment == segment, drawn, months)
    notice = np.where(months == 3, 30, rng.choice([30, 30, 60, 90], accounts.count))
    cap = rng.choice([3.0, 5.0, 7.0], accounts.count)
    return Binding(
        months=months,
        auto_renew=rng.random(accounts.count) < 0.68,
        notice_days=np.where(months == 1, 0, notice),
        uplift_cap=np.where(rng.random(accounts.count) < 0.35, cap, np.nan),
    )


def _opening(setting: Setting, months: Ints, rng: np.random.Generator) -> _State:
    """Each account at the start of the term that runs when the window opens."""
    accounts, window = setting.accounts, setting.window
    customer = accounts.is_customer
    since = np.where(customer, accounts.since, window.end)
    passed = (window.start.astype("M8[M]") - since.astype("M8[M]")).astype(np.int64)
    passed -= add_months(since, passed) > window.start
    number = np.maximum(passed, 0) // months
    arr = accounts.seats * accounts.seat_price * np.array([0.85, 1.0, 1.1])[accounts.plan]
    grown = 1.0 + 0.02 * np.minimum(number * months / 12, 5) * rng.uniform(0.5, 1.5, accounts.count)
    return _State(
        start=add_months(since, number * months),
        number=number + 1,
        seats=accounts.seats.copy(),
        arr=np.round(arr * grown, -1) + 120.0,
        alive=customer,
    )


def decided_on(renewal: Times, account: Ints, binding: Binding) -> Times:
    """The day on which a term's renewal is decided, before the notice period begins."""
    months, notice = binding.months[account], binding.notice_days[account]
    lead = np.where(months == 1, 8, np.where(months == 3, 32, notice + 12))
    return np.asarray(renewal - lead.astype("m8[D]"))


def _one_term(
    live: Ints, state: _State, setting: Setting, binding: Binding, rng: np.random.Generator
) -> Terms:
    """The next term of every living account, with its outcome where it is already decided."""
    window, causes = setting.window, setting.causes
    start, arr, months = state.start[live], state.arr[live], binding.months[live]
    renewal = add_months(start, months)
    decided = decided_on(renewal, live, binding)
    week = window.week_of(decided)
    pull = causes.recent("pull", live, week, weeks=MOOD_WEEKS)
    usage = causes.recent("usage", live, week, weeks=MOOD_WEEKS)
    leaving = (rng.random(len(live)) < _chance(live, pull, months, setting)) & (decided <= window.end)
    change, next_arr = _change(arr, usage, pull, months, rng)
    says_so = leaving & (rng.random(len(live)) < 0.72)
    told = in_office_hours(np.maximum(decided, start + np.timedelta64(3, "D")), rng)
    markup = 1.0 + 0.08 * np.clip(causes.levels["price_rise"][live, window.week_of(start)], 0, 2.5)
    return Terms(
        account=live,
        number=state.number[live],
        start=start,
        renewal=renewal,
        months=months,
        seats=state.seats[live],
        arr=arr,
        list_arr=np.round(arr * markup * rng.uniform(1.0, 1.12, len(live)), -1) + 10,
        next_arr=np.where(leaving, 0.0, next_arr),
        result=np.where(renewal > window.end, OPEN, np.where(leaving, CHURNED, change)),
        leaving=leaving,
        ends=renewal,
        cancelled_at=np.where(says_so, window.known(told), NEVER),
        cause=_reasons(causes, live, week, rng),
    )


def _fated_term(
    live: Ints, state: _State, setting: Setting, fates: Fates, binding: Binding, rng: np.random.Generator
) -> Terms:
    """The next term of every living account where leaving is settled elsewhere: it may end on any day.

    Nothing here tells beforehand who will leave: notice, if any, is given with effect on the same day.
    """
    window, causes = setting.window, setting.causes
    start, arr, months = state.start[live], state.arr[live], binding.months[live]
    renewal = add_months(start, months)
    gone = fates.leaves[live]
    leaving = (gone <= renewal) & (gone <= window.end)  # false where nobody leaves: NaT compares as false
    strain = causes.driven["payment"][live, window.week_of(renewal)]
    change, next_arr = _change(arr, np.zeros(len(live)), strain, months, rng)
    markup = 1.0 + 0.08 * np.clip(causes.levels["price_rise"][live, window.week_of(start)], 0, 2.5)
    return Terms(
        account=live,
        number=state.number[live],
        start=start,
        renewal=renewal,
        months=months,
        seats=state.seats[live],
        arr=arr,
        list_arr=np.round(arr * markup * rng.uniform(1.0, 1.12, len(live)), -1) + 10,
        next_arr=np.where(leaving, 0.0, next_arr),
        result=np.where(leaving, CHURNED, np.where(renewal > window.end, OPEN, change)),
        leaving=leaving,
        ends=np.where(leaving, gone, renewal),
        cancelled_at=np.where(leaving & fates.quits[live], at_midnight(gone), NEVER),
        cause=fates.cause[live],
    )


def _chance(live: Ints, pull: Floats, months: Ints, setting: Setting) -> Floats:
    """How likely each account is to leave at the end of a term of so many months."""
    world = setting.world
    by_segment = np.array(world.pull_by_segment)[setting.accounts.segment[live]]
    rate = world.base_leave_rate * np.exp(pull + setting.causes.frailty[live] + by_segment)
    return np.asarray(-np.expm1(-rate * np.minimum(months, 18) / 12))


def _move_on(state: _State, term: Terms) -> None:
    """Everybody who renewed stands at the start of the next term."""
    live = term.account
    state.start[live], state.arr[live] = term.renewal, term.next_arr
    seats = np.rint(term.seats * term.next_arr / np.maximum(term.arr, 1.0))
    state.seats[live] = np.maximum(seats, 1).astype(np.int64)
    state.number[live] += 1
    state.alive[live] = (term.result != CHURNED) & (term.result != OPEN)


def _change(
    arr: Floats, growth: Floats, pull: Floats, months: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Whether a renewing term grows or shrinks; monthly plans change less often."""
    count = len(arr)
    often = np.where(months == 1, 0.10, 1.0)
    up = rng.random(count) < often * 0.17 * np.exp(1.6 * growth)
    down = ~up & (rng.random(count) < often * 0.09 * np.exp(np.clip(0.8 * pull - 0.8 * growth, -2, 2)))
    factor = np.where(up, rng.uniform(1.06, 1.35, count), np.where(down, rng.uniform(0.6, 0.92, count), 1.0))
    uplift = np.where(
        (months > 1) & ~up & ~down & (rng.random(count) < 0.45), rng.uniform(1.02, 1.05, count), 1.0
    )
    return np.where(up, EXPANDED, np.where(down, DOWNGRADED, RENEWED)), np.maximum(
        np.round(arr * factor * uplift, -1), 10
    )


def _reasons(causes: Causes, account: Ints, week: Ints, rng: np.random.Generator) -> Words:
    """What a leaver says: mostly the shock that weighs most, sometimes something else."""
    shocks = [name for name in REASONS if name in causes.levels]
    weights = np.stack([causes.levels[name][account, week] for name in shocks], axis=1)
    worst = weights.argmax(axis=1)
    said = words(
        REASONS[shocks[index]][pick]
        for index, pick in zip(worst, rng.integers(0, 2, len(worst)), strict=True)
    )
    other = (weights.max(axis=1) < 0.2) | (rng.random(len(worst)) < 0.2)
    return np.where(other, words(OTHER_REASONS)[rng.integers(0, len(OTHER_REASONS), len(worst))], said)


def _joined(pieces: list[Terms]) -> Terms:
    columns = {
        name: np.concatenate([getattr(piece, name) for piece in pieces])
        for name in Terms.__dataclass_fields__
    }
    order = np.lexsort((columns["number"], columns["account"]))
    return Terms(**{name: column[order] for name, column in columns.items()})
