"""Accounts whose hazards are known: a little generator that shares nothing with the model."""

from dataclasses import dataclass

import numpy as np

from scoring.engine.churn.data import Stack

START, STEP = 18_000, 30


@dataclass(frozen=True)
class World:
    accounts: int = 500
    landmarks: int = 16
    features: int = 5
    signal: float = 1.0
    level: float = -4.6
    renewal: float = 2.2  # log-odds that the period with the term's end adds
    missing: float = 0.1
    seed: int = 0


def pull(x):
    """What the first three features add to the monthly log-odds: a bend, a slope, a step."""
    return 1.1 * np.maximum(-x[:, 0], 0.0) - 0.5 * x[:, 1] + 0.6 * (x[:, 2] > 1.0)


def draw(world: World) -> Stack:
    """Features drift from month to month; who leaves at a term's end leaves on that day."""
    rng = np.random.default_rng(world.seed)
    phase, left = rng.integers(0, 365, world.accounts), np.full(world.accounts, np.inf)
    x = rng.normal(size=(world.accounts, world.features))
    months = []
    for at in range(world.landmarks):
        day = START + STEP * at
        x = 0.95 * x + np.sqrt(1 - 0.95**2) * rng.normal(size=x.shape)
        ends = (phase - STEP * at) % 365
        here = np.flatnonzero(left > day)
        months.append((here, np.full(len(here), day), x[here], ends[here].astype(float)))
        risk = 1 / (1 + np.exp(-(world.level + world.signal * pull(x) + world.renewal * (ends < STEP))))
        goes = (rng.random(world.accounts) < risk) & np.isinf(left)
        when = np.where(ends < STEP, ends, rng.integers(0, STEP, world.accounts))
        left[goes] = day + when[goes]
    account, day, features, ends = (np.concatenate([month[part] for month in months]) for part in range(4))
    features[rng.random(features.shape) < world.missing] = np.nan
    count = len(account)
    return Stack(
        x=features,
        names=tuple(f"usage.f{at}" for at in range(world.features)),
        account=account.astype(np.int64),
        day=day.astype(np.int64),
        segment=(account % 2).astype(np.int64),
        segments=("small", "large"),
        arr=np.full(count, 1000.0),
        renewal_in=ends,
        term_days=np.full(count, 365.0),
        leaves_in=left[account] - day,
        seen_for=(START + STEP * world.landmarks - day).astype(float),
    )


def true_p90(x, ends, world: World, *, draws=400):
    """n: the chance to leave within three months, over many ways in which the features may drift on."""
    rng, stays = np.random.default_rng(7), np.ones((draws, len(x)))
    now = np.broadcast_to(x, (draws, *x.shape)).copy()
    for month in range(3):
        bonus = world.renewal * ((ends >= STEP * month) & (ends < STEP * (month + 1)))
        shape = (-1, x.shape[1])
        pulls = world.signal * pull(now.reshape(shape)).reshape(draws, -1)
        stays *= 1 - 1 / (1 + np.exp(-(world.level + pulls + bonus)))
        now = 0.95 * now + np.sqrt(1 - 0.95**2) * rng.normal(size=now.shape)
    return 1 - stays.mean(axis=0)
