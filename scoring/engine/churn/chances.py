"""From hazards to chances: within 30, 60 and 90 days, by period, and to renew, with 80 % intervals.

p(h) = 1 - product of (1 - hazard): the order of the horizons holds by construction, and rounding keeps it.
The interval is the delta method on logit(p90): its derivative by a period's logit is hazard / p90.
"""

from dataclasses import dataclass

import numpy as np

from . import timing as contract
from .data import PERIODS, SHOWN, Floats, Stack, columns, take
from .model import BLOCK, Fitted, Pieces, base_timing, on_curve, pieces, timing_design

DIGITS = 6
LEAST, MOST = 1e-6, 1.0 - 1e-6  # a chance is never certain
Z80 = 1.2815515655446004  # 90 % quantile of the normal distribution


@dataclass(frozen=True)
class Chances:
    """p: n x 3 (30, 60, 90 days). low90, high90: n, 80 %. leaves: n x periods, cumulative.

    renew: n, to be there after the period in which the next term ends; NaN without an end within a year.
    """

    p: Floats
    low90: Floats
    high90: Floats
    renew: Floats
    leaves: Floats


def hazards(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -35.0, 35.0))))


def rounded(p: Floats) -> Floats:
    return np.clip(np.round(p, DIGITS), LEAST, MOST)


def logit(p: Floats) -> Floats:
    return np.log(p) - np.log1p(-p)


def cumulative(logits: Floats) -> Floats:
    """n x periods: the chance to have left by each period's end, exact also where it is tiny."""
    stays = np.log1p(-np.minimum(hazards(logits), 1.0 - 1e-15))
    return np.asarray(-np.expm1(np.cumsum(stays, axis=1)))


def p90_weights(logits: Floats) -> Floats:
    """n x 3: derivative of logit(p90) by each period's logit."""
    risk = hazards(logits[:, :SHOWN])
    return np.asarray(risk / np.maximum(cumulative(logits)[:, SHOWN - 1], 1e-300)[:, None])


def _renew(stack: Stack, leaves: Floats) -> Floats:
    """The chance to be there after the period in which the next term ends; an end that has passed is decided now."""
    ends, _ = contract.next_end(stack.renewal_in, stack.term_days, -np.inf)
    inside = np.searchsorted(
        np.array(PERIODS), np.nan_to_num(np.maximum(ends, 0.0), nan=np.inf), side="right"
    )
    stays = 1.0 - leaves[np.arange(len(stack)), np.minimum(inside, len(PERIODS) - 1)]
    return np.where(inside < len(PERIODS), rounded(stays), np.nan)


def _moves(fitted: Fitted, stack: Stack, weights: Floats) -> Floats | None:
    """n x directions: how logit(p90) moves with one standard deviation along each direction of the coefficients."""
    base = fitted.calibration.method == "base_rate"
    spread = fitted.timing.base_spread if base else fitted.timing.spread
    if spread is None:
        return None
    design = timing_design(fitted, stack)[:, :SHOWN]
    moves: Floats = np.einsum("nk,nkc->nc", weights, design) @ spread
    if base:
        return moves
    link = fitted.timing.link
    if link is not None and link.spread is not None:
        at_link = on_curve(link, link.spread, base_timing(fitted.timing.base, design).ravel())
        moves += np.einsum("nk,nkr->nr", weights, at_link.reshape(*weights.shape, -1))
    x, whole = columns(stack, fitted.names), (weights @ fitted.fade[:SHOWN])[:, None]
    for at, curve in enumerate(fitted.curves):
        if curve.spread is not None:
            moves += whole * on_curve(curve, curve.spread, x[:, at])
        if curve.early_spread is not None:
            moves += weights[:, :1] * on_curve(curve, curve.early_spread, x[:, at])
    return np.asarray(moves * fitted.calibration.slope)


def _deviation(fitted: Fitted, stack: Stack, logits: Floats) -> Floats:
    """n: standard deviation of logit(p90)."""
    moves = _moves(fitted, stack, p90_weights(logits))
    return np.zeros(len(stack)) if moves is None else np.sqrt((moves**2).sum(axis=1))


def _block(fitted: Fitted, stack: Stack) -> Chances:
    found: Pieces = pieces(fitted, stack)
    logits = found.logits()
    leaves = cumulative(logits)
    p90 = np.clip(leaves[:, SHOWN - 1], LEAST, MOST)
    half = Z80 * _deviation(fitted, stack, logits)
    shown = rounded(leaves)
    low, high = (rounded(hazards(logit(p90) + sign * half)) for sign in (-1.0, 1.0))
    return Chances(shown[:, :SHOWN], low, high, _renew(stack, leaves), shown)


def chances(fitted: Fitted, stack: Stack) -> Chances:
    """Chances of every row, in blocks."""
    blocks = [
        _block(fitted, take(stack, np.arange(start, min(start + BLOCK, len(stack)))))
        for start in range(0, max(len(stack), 1), BLOCK)
    ]
    joined = {
        name: np.concatenate([getattr(block, name) for block in blocks]) for name in Chances.__annotations__
    }
    return Chances(**joined)
