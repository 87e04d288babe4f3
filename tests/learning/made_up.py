"""Landmarks with hand-made truth: one feature drives leaving, the others are noise. No database is read."""

from datetime import date, timedelta

import numpy as np

from scoring.engine.churn.data import Stack
from scoring.learning import labels
from scoring.learning.landmarks import SPACING_DAYS, Plan
from scoring.learning.observations import NAMES, SEGMENTS

UNTIL = date(2026, 10, 1)
DRIVER = "usage.trend_30d"
NOISE = (
    "usage.breadth", "engagement.meetings_90d", "satisfaction.nps_latest", "business.overdue_days",
)  # fmt: skip


def landmarks(*, accounts=400, days=14, strength=1.5, level=-4.3, seed=3, most_leavers=None):
    """(plan, stack): a slowly wandering driver, and leaving by chance month after month."""
    rng = np.random.default_rng(seed)
    numbers = labels.account_numbers([f"ACC-{at}" for at in range(accounts)])
    driver = rng.normal(size=accounts)
    starts = [UNTIL - timedelta(days=SPACING_DAYS * back) for back in range(days, 0, -1)]
    left = np.full(accounts, np.iinfo(np.int64).max)
    rows, budget = [], most_leavers if most_leavers is not None else accounts
    for day in map(labels.day_number, starts):
        here = np.flatnonzero(left > day)
        rows.append((day, here, driver[here].copy()))
        chance = 1 / (1 + np.exp(-(level + strength * driver[here])))
        gone = here[rng.random(len(here)) < chance][: max(budget, 0)]
        left[gone] = day + rng.integers(0, SPACING_DAYS, len(gone))
        budget -= len(gone)
        driver = 0.9 * driver + rng.normal(0, 0.44, accounts)
    known = _leavers(numbers, left)
    stack = labels.label(_stack(numbers, rows, rng), known=known, until=UNTIL)
    return Plan(UNTIL, UNTIL, starts[0], tuple(starts), known), stack


def _leavers(numbers, left):
    gone = np.flatnonzero(left < labels.day_number(UNTIL))
    gone = gone[np.argsort(numbers[gone])]
    return labels.Leavers(
        numbers[gone], left[gone], np.zeros(len(gone), dtype=np.int64), np.full(len(gone), np.nan)
    )


def _stack(numbers, rows, rng):
    size = sum(len(here) for _, here, _ in rows)
    x = np.full((size, len(NAMES)), np.nan)
    day = np.concatenate([np.full(len(here), at) for at, here, _ in rows])
    who = np.concatenate([here for _, here, _ in rows])
    x[:, NAMES.index(DRIVER)] = np.concatenate([values for *_, values in rows])
    for name in NOISE:
        x[:, NAMES.index(name)] = rng.normal(size=size)
    x[:, NAMES.index("account.tenure_days")] = 100 + 40 * (who % 20) + (day - day.min())
    return Stack(
        x=x, names=NAMES, account=numbers[who], day=day, segment=who % 3, segments=SEGMENTS,
        arr=np.full(size, 1000.0), renewal_in=(who * 7 + 365 - (day - day.min())) % 365.0,
        term_days=np.full(size, 365.0), leaves_in=np.full(size, np.inf), seen_for=np.zeros(size),
    )  # fmt: skip
