"""Measures of order and of logits over steps of p, for many bootstrap draws at once.

Rows of equal p are one step, so ties count as they should. For draws the rows are put into at most some 400 steps:
the 128 highest rows singly, the others in bins of equal count; ties inside a step move AUC by less than 1e-4.
"""

from dataclasses import dataclass

import numpy as np

from .intervals import Draws, quotient
from .rows import Floats, Ints

SINGLE = 128
STEPS = 256
NEWTON = 25
FLAT = 1e-9  # a spread of logits below which no slope can be told


@dataclass(frozen=True)
class Steps:
    """Steps in rising order of p: weight and events of each (draws x steps), and the mean logit of each (steps)."""

    weight: Floats
    events: Floats
    logit: Floats


def logit(p: Floats) -> Floats:
    return np.log(p) - np.log1p(-p)


def precise(y: Floats, p: Floats) -> Steps:
    """One step for each value of p; one row of weights."""
    values, place, count = np.unique(p, return_inverse=True, return_counts=True)
    events = np.bincount(place, y, minlength=values.size).astype(np.float64)
    weight = count.astype(np.float64)
    return Steps(weight[None, :], events[None, :], logit(values))


def rough(y: Floats, p: Floats, drawn: Draws) -> Steps:
    """At most some 400 steps, with the weights of every draw."""
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    above = y.size - np.cumsum(count)  # rows strictly above each value
    width = max((y.size - SINGLE) / STEPS, 1.0)
    key = np.where(above < SINGLE, above - SINGLE, np.floor((above - SINGLE) / width))
    step = np.unique(-key, return_inverse=True)[1][place]
    size = int(step.max()) + 1
    mean = np.bincount(step, logit(p), minlength=size) / np.bincount(step, minlength=size)
    weight = drawn.histogram(step, np.ones(y.size), size)
    return Steps(weight, drawn.histogram(step, y, size), mean)


def auc(steps: Steps) -> Floats:
    """Chance that a leaver stands above a stayer, ties at half; NaN without one of either. One a draw."""
    others = steps.weight - steps.events
    below = np.cumsum(others, axis=1) - others
    pairs = steps.events.sum(axis=1) * others.sum(axis=1)
    won = (steps.events * (below + others / 2)).sum(axis=1)
    return quotient(won, pairs)


def average_precision(steps: Steps) -> Floats:
    """Sum over steps from the top of (recall gained) x (precision so far); NaN without events."""
    events, weight = steps.events[:, ::-1], steps.weight[:, ::-1]
    so_far = np.cumsum(weight, axis=1)
    precision = np.cumsum(events, axis=1) / np.maximum(so_far, 1e-300)
    return quotient((events * precision).sum(axis=1), events.sum(axis=1))


def slope(steps: Steps) -> Floats:
    """b of logit P(left) = a + b logit(p), by Newton; NaN without spread, without both outcomes, or when separable."""
    if np.ptp(steps.logit) < FLAT:
        return np.full(len(steps.weight), np.nan)
    return _fit(steps, with_slope=True)[1]


def intercept(steps: Steps) -> Floats:
    """a of logit P(left) = a + logit(p): calibration in the large. Above zero: more left than was said."""
    return _fit(steps, with_slope=False)[0]


def _fit(steps: Steps, *, with_slope: bool) -> tuple[Floats, Floats]:
    """Newton for all draws at once. (a, b), one a draw; NaN where it does not settle.

    Logits are centred (far from zero a and b would pull on each other) and a long step is shortened as a whole.
    """
    weight, events = steps.weight, steps.events
    centre = float(weight[0] @ steps.logit / weight[0].sum())
    z = steps.logit - centre
    a, b = np.full(len(weight), centre), np.ones(len(weight))
    for _ in range(NEWTON):
        mean = 1 / (1 + np.exp(-np.clip(a[:, None] + b[:, None] * z, -40, 40)))
        rest, curve = events - weight * mean, weight * mean * (1 - mean)
        g0, h00 = rest.sum(axis=1), curve.sum(axis=1) + 1e-12
        if with_slope:
            g1, h01, h11 = rest @ z, curve @ z, curve @ (z * z) + 1e-12
            det = np.maximum(h00 * h11 - h01 * h01, 1e-18)
            da, db = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
        else:
            da, db = g0 / h00, np.zeros(len(weight))
        short = np.minimum(1.0, 2.0 / np.maximum(np.maximum(np.abs(da), np.abs(db)), 1e-12))
        a, b = a + short * da, b + short * db
        if max(np.abs(da).max(), np.abs(db).max()) < 1e-9:
            break
    total, left = weight.sum(axis=1), events.sum(axis=1)
    settled = (np.abs(da) < 1e-4) & (np.abs(db) < 1e-4) & (left > 0) & (left < total)
    return np.where(settled, a - b * centre, np.nan), np.where(settled, b, np.nan)


def top_share(p: Floats, day: Ints, *, count: int | None = None, share: float | None = None) -> Floats:
    """How much of each row (0 to 1) stands in the top of its day: `count` rows, or a `share` of them.

    Rows of equal p share what is left of the places, so the order of rows cannot matter.
    """
    order = np.lexsort((-p, day))
    days, start, size = np.unique(day[order], return_index=True, return_counts=True)
    places = np.full(days.size, float(count or 0)) if share is None else share * size
    at_day = np.repeat(np.arange(days.size), size)
    ranked, rank = p[order], np.arange(p.size) - start[at_day]
    fresh = np.r_[True, (ranked[1:] != ranked[:-1]) | (at_day[1:] != at_day[:-1])]
    group = np.cumsum(fresh) - 1
    first, tied = rank[fresh][group], np.bincount(group)[group]
    made = np.empty(p.size)
    made[order] = np.clip((places[at_day] - first) / tied, 0.0, 1.0)
    return made
