"""What is seen today says less of a period the farther it lies ahead.

Most who leave within a year of a day leave in its far periods, of which that day says little: taken in whole they
would teach the curves what is of no use for the next 90 days, which are what is shown. So a period that starts `start`
days ahead counts for NEAR when the curves are learnt (a weighted likelihood). Once they are known, one scale a period,
falling from 1, says how much of their sum is left by then (coefficients of rank one over time: Perperoglou, le Cessie
and van Houwelingen 2006).
"""

import numpy as np

from .chances import hazards
from .data import PERIODS, STARTS, Bools, Floats

LASTS = 60.0  # days; chosen on development worlds (docs/judged.md): the folds of one customer base tell it too poorly
NEAR: Floats = np.exp(-np.array(STARTS) / LASTS)
PULL = 4.0  # of a scale towards 1: what a few leavers say outweighs it


def scales(part: Floats, rest: Floats, leaves: Bools, used: Floats) -> tuple[Floats, Floats]:
    """(fade, level), periods each: how much the features say of every period, never more than of the one before,
    and what its level moves by for that.

    part: n, the sum of the features' parts; rest, leaves, used: n x periods, the logits without them, who left, and
    the weights of what counts.
    """
    middle = float(used.sum(axis=1) @ part) / max(float(used.sum()), 1e-12)
    found = [
        _regressed(part - middle, rest[:, at] + middle, leaves[:, at], used[:, at])
        for at in range(1, len(PERIODS))
    ]
    slopes, weights = (np.array(column) for column in zip(*found, strict=True))
    fade, level = np.append(1.0, _falling(slopes, weights)), np.zeros(len(PERIODS))
    for at in range(1, len(PERIODS)):
        level[at] = _level(rest[:, at] + fade[at] * part, leaves[:, at], used[:, at])
    return fade, level


def _falling(slopes: Floats, weights: Floats) -> Floats:
    """The nearest numbers from 1 to 0 that never rise: one period's bad luck does not cap all later ones."""
    from scipy.optimize import isotonic_regression

    return np.asarray(np.clip(isotonic_regression(slopes, weights=weights, increasing=False).x, 0.0, 1.0))


def _regressed(part: Floats, offset: Floats, leaves: Bools, used: Floats) -> tuple[float, float]:
    """(slope, its information) of a logistic regression on the part, with a level of its own, pulled towards 1."""
    at = np.array([0.0, 1.0])
    for _ in range(50):
        p = hazards(offset + at[0] + at[1] * part)
        rest, curved = used * (leaves - p), used * p * (1 - p)
        slope = np.array([rest.sum() - at[0] * 1e-6, rest @ part - PULL * (at[1] - 1.0)])
        cross = float(curved @ part)
        total, own = float(curved.sum()) + 1e-6, float(curved @ part**2) + PULL
        bend = np.array([[total, cross], [cross, own]])
        move = np.clip(np.linalg.solve(bend, slope), -1.0, 1.0)
        at = at + move
        if float(np.abs(move).max()) < 1e-9:
            break
    return float(at[1]), max(own - cross**2 / total, 1e-9)


def _level(offset: Floats, leaves: Bools, used: Floats) -> float:
    """What the logits move by so that as many leave as did; 0 where none is known to."""
    if not (used * leaves).any():
        return 0.0
    at = 0.0
    for _ in range(50):
        p = hazards(offset + at)
        move = float((used * (leaves - p)).sum() / max(float((used * p * (1 - p)).sum()), 1e-12))
        at += float(np.clip(move, -1.0, 1.0))
        if abs(move) < 1e-9:
            break
    return at
