"""What customers want to reach (objectives) and the steps on the way (milestones)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clock import (
    NEVER,
    Bools,
    Floats,
    Ints,
    Times,
    add_days,
    add_months,
    at_midnight,
    in_office_hours,
    uniform_days,
)
from .scene import Scene
from .tables import BundleWriter, ids, words


@dataclass(frozen=True)
class _Goal:
    """A kind of objective with typical figures; a usage metric where the product itself can measure it."""

    name: str
    metric: str
    usage_metric: str | None
    baseline: float
    target: float


_GOALS = (
    _Goal("Bring the whole department on board", "daily users", "active_users", 12, 40),
    _Goal("Work from shared boards instead of e-mail", "actions a day", "core_events", 150, 600),
    _Goal("Use more of what we pay for", "features in use", "features_used", 4, 10),
    _Goal("Connect the warehouse system", "calls a day", "api_calls", 0, 500),
    _Goal("Keep one clean customer record", "records a day", "records_created", 20, 120),
    _Goal("Close the month two days sooner", "working days", None, 7, 5),
    _Goal("Fewer manual hand-overs", "hours a month", None, 60, 20),
    _Goal("Answer customers within a day", "hours", None, 40, 24),
    _Goal("Pass the audit without findings", "findings", None, 6, 0),
)

_STEPS: tuple[tuple[str, str, int], ...] = (
    ("onboarding", "First call held", 7),
    ("onboarding", "Records imported", 21),
    ("onboarding", "Pilot team working", 40),
    ("onboarding", "Handover to daily use", 60),
    ("adoption", "Half of the seats active", 100),
    ("adoption", "First integration running", 140),
    ("adoption", "Second department working", 220),
    ("expansion", "Case for an add-on discussed", 270),
    ("advocacy", "Reference talk agreed", 330),
)


def write_objectives(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write the objectives declared since shortly before the window."""
    account, declared = _declared(scene, rng)
    kind = rng.integers(0, len(_GOALS), len(account))
    due = declared + rng.choice([90, 120, 180, 270], len(account)).astype("m8[D]")
    worth = np.round(scene.accounts.seats[account] * rng.uniform(20, 160, len(account)), -1)
    achieved = _achieved(scene, account, declared, due, rng)
    stretch = rng.uniform(0.7, 1.5, len(account))
    baseline = np.array([goal.baseline for goal in _GOALS])[kind]
    target = np.array([goal.target for goal in _GOALS])[kind]
    realised = np.where(np.isnat(achieved) | (rng.random(len(account)) < 0.25), np.nan, worth * stretch)
    writer.write(
        "objectives",
        {
            "external_id": ids("OBJ", len(account)),
            "account_external_id": scene.accounts.ids[account],
            "name": words(_GOALS[index].name for index in kind),
            "metric": words(_GOALS[index].metric for index in kind),
            "usage_metric": words(_GOALS[index].usage_metric for index in kind),
            "baseline": np.where(rng.random(len(account)) < 0.15, np.nan, baseline),
            "target": np.round(np.maximum(target * np.where(target > baseline, stretch, 1.0), target)),
            "expected_value": np.where(rng.random(len(account)) < 0.2, np.nan, worth),
            "declared_at": declared,
            "due_at": due,
            "achieved_at": achieved,
            "value_realized": realised,
        },
    )


def _declared(scene: Scene, rng: np.random.Generator) -> tuple[Ints, Times]:
    """One to four objectives an account, from half a year before the window on, while it was a customer."""
    accounts, window = scene.accounts, scene.window
    customers = np.flatnonzero(accounts.is_customer)
    account = np.repeat(customers, 1 + rng.poisson(0.9 + 0.9 * window.years, len(customers)))
    gone = scene.contracts.gone[account]
    first = np.maximum(
        accounts.since[account] + np.timedelta64(5, "D"), window.start - np.timedelta64(180, "D")
    )
    last: Times = np.where(np.isnat(gone), window.end, gone - np.timedelta64(10, "D"))
    if (
        scene.setting.fates is not None
    ):  # drawn as if everybody stayed, then cut: goals must not crowd before the end
        last = np.repeat(window.end, len(account))
    declared = in_office_hours(uniform_days(first, last, rng), rng)
    keep = (declared >= at_midnight(first)) & (declared < add_days(at_midnight(last), np.ones(len(last))))
    if scene.setting.fates is not None:
        keep &= np.isnat(gone) | (declared < at_midnight(gone))
    order = np.flatnonzero(keep)[np.argsort(declared[keep], kind="stable")]
    return account[order], declared[order]


def _achieved(scene: Scene, account: Ints, declared: Times, due: Times, rng: np.random.Generator) -> Times:
    """Accounts that use the product well reach more of their goals, and sooner."""
    week = scene.window.week_of(due)
    health = scene.causes.recent("usage", account, week, weeks=8) + 0.3 * scene.causes.at(
        "mood", account, week
    )
    reaches = rng.random(len(account)) < 1.0 / (1.0 + np.exp(-0.45 - 2.2 * health))
    length = (due - declared).astype(np.int64) / 86_400
    when = add_days(declared, length * np.clip(rng.normal(0.95 - 0.2 * health, 0.22, len(account)), 0.2, 1.8))
    when = scene.window.known(np.where(reaches, when, NEVER))
    gone = scene.contracts.gone[account]
    return np.where(np.isnat(gone) | (when < gone), when, NEVER)


def write_milestones(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write each customer's plan: fixed steps after the start, and one before the next renewal."""
    accounts, window = scene.accounts, scene.window
    customers = np.flatnonzero(accounts.is_customer)
    steps = len(_STEPS) + 1
    account, step = np.repeat(customers, steps), np.tile(np.arange(steps), len(customers))
    offset = np.array([days for _, _, days in _STEPS] + [0])[step]
    due_day = accounts.since[account] + np.rint(offset * rng.uniform(0.85, 1.3, len(account))).astype("m8[D]")
    ahead = scene.last_renewal() if scene.setting.fates is None else _first_renewal(scene)
    renewal = ahead[account] - np.timedelta64(45, "D")
    due_day = np.where(step == len(_STEPS), np.maximum(renewal, accounts.since[account]), due_day)
    due = in_office_hours(np.maximum(due_day, accounts.since[account] + np.timedelta64(3, "D")), rng)
    week = window.week_of(due)
    health = scene.causes.at("usage", account, week) + 0.3 * scene.causes.at("attention", account, week)
    reached = _steps_reached(step, health, rng)
    slip = rng.normal(2.0, 7.0, len(account)) + np.clip(-30 * health, -5, 60) * rng.random(len(account))
    finished = in_office_hours(add_days(due, slip), rng)
    done = np.where(reached, np.maximum(finished, at_midnight(accounts.since[account])), NEVER)
    gone = scene.contracts.gone[account]
    names = [name for _, name, _ in _STEPS] + ["Renewal talk held"]
    stages = [stage for stage, _, _ in _STEPS] + ["renewal"]
    writer.write(
        "milestones",
        {
            "external_id": ids("MIL", len(account)),
            "account_external_id": accounts.ids[account],
            "stage": words(stages)[step],
            "name": words(names)[step],
            "due_at": due,
            "completed_at": window.known(np.where(np.isnat(gone) | (done < gone), done, NEVER)),
        },
    )


def _first_renewal(scene: Scene) -> Times:
    """The end of each account's first term: unlike that of its last, it does not tell how long the account stays."""
    accounts = scene.accounts
    since = np.where(accounts.is_customer, accounts.since, scene.window.end)
    first = add_months(since, scene.contracts.binding.months)
    return np.where(accounts.is_customer, first, np.datetime64("NaT", "D"))


def _steps_reached(step: Ints, health: Floats, rng: np.random.Generator) -> Bools:
    """Early steps are nearly always taken; later ones are for accounts that do well."""
    ease = np.array([3.6, 3.2, 2.8, 2.3, 1.3, 0.9, 0.3, -0.3, -1.2, 1.2])[step]
    return np.asarray(rng.random(len(step)) < 1.0 / (1.0 + np.exp(-ease - 1.8 * health)))
