"""A world in weeks whose mechanism may change, for false alarms and for how soon drift is noticed.

Six inputs that wander; leaving follows three of them, from `switch` on the other three, at nearly the same level. The
model knows the first three with an error of estimation, and months differ by a common shock that no model knows.
"""

import numpy as np

from scoring.engine.validation.drift import Exposures, Sample, drift
from scoring.engine.validation.foresight import AHEAD, RiskSets, fitted
from tests.scoring.validation.worlds import sigmoid

NAMES = tuple(f"input.{at}" for at in range(6))
BEFORE, AFTER = np.array([0.8, 0.6, 0.4, 0, 0, 0]), np.array([0, 0, 0, 0.4, 0.6, 0.8])
WEEKS_A_MONTH = 30 / 7
KEEPS = 0.97  # of an input from week to week
LOOKS_BACK = 9  # weeks: sixty days


def weeks(accounts, length, *, seed, switch=None, month_shock=0.15, level=-4.1, error=0.08, jump=None):
    """Week by week (x, p30, left); `jump` adds that much to the first input from the switch on."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(accounts, 6))
    believed = BEFORE + error * rng.normal(size=6)
    shock = 0.0
    for week in range(length):
        if week % 4 == 0:
            shock = month_shock * rng.normal()
        switched = switch is not None and week >= switch
        shown = x.copy()
        if switched and jump:
            shown[:, 0] += jump
        truth = AFTER if switched and not jump else BEFORE
        p30 = sigmoid(level + shock + x @ truth)
        left = rng.random(accounts) < 1 - (1 - p30) ** (1 / WEEKS_A_MONTH)
        yield shown, sigmoid(level + shown @ believed), left
        x = KEEPS * x + np.sqrt(1 - KEEPS**2) * rng.normal(size=x.shape)
        x[left] = rng.normal(size=(int(left.sum()), 6))


def looks(accounts, length, *, every=4, first=26, **more):
    """(week, rows of drift) at monthly looks; training is the first half year."""
    history, training, wanted = [], None, 1.0
    for week, (x, p30, left) in enumerate(weeks(accounts, length, **more)):
        history.append((x, p30, left))
        if week < first or (week - first) % every:
            continue
        if training is None:
            training, wanted = _tested(history[: first - 1], accounts)
        seen, sets = _exposures(history[-LOOKS_BACK - 1 : -1]), _sets(history[:-1])
        yield week, drift(NAMES, training, Sample(x, p30, accounts), seen, sets, promised=wanted)


def _tested(history, accounts):
    """(training sample by months, the slope that a back-test would have found)."""
    tested = fitted(_sets(history, back=len(history)))
    x, p30 = (np.concatenate([each[at] for each in history[::4]]) for at in (0, 1))
    return Sample(x, p30, accounts), min(tested["value"], 1.0)


def _exposures(history):
    p = np.concatenate([-np.expm1(np.log1p(-each[1]) * 7 / 30) for each in history])
    return Exposures(p, np.concatenate([each[2] for each in history]))


def _sets(history, back=LOOKS_BACK):
    """Of the last 60 days, by what was said a month before; who left in between is somebody else by then."""
    lag, found = AHEAD // 7, []
    for week in range(max(len(history) - back, lag), len(history)):
        there = ~np.any([each[2] for each in history[week - lag : week]], axis=0)
        p30, left = history[week - lag][1][there], history[week][2][there]
        found.append((np.log(p30 / (1 - p30)), left, np.full(left.size, week)))
    features, left, group = (np.concatenate(each) for each in zip(*found, strict=True))
    return RiskSets(features, np.zeros(features.size), left, group - group.min())
