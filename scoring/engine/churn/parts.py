"""Part models, each on one dimension's features, and their ensemble: candidates of the same additive form.

Weights of the ensemble are not below zero and are learned on later landmarks than the parts (stacking: Wolpert 1992;
Breiman 1996 for the sign). A sum of additive logits is additive again, so that it is stored and explained alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .data import PERIODS, SHOWN, Floats, Stack, in_order, outcomes, take
from .fit import Options, fit
from .model import Calibration, Curve, Fitted, Timing, raw_logits

DIMENSIONS = ("usage", "engagement", "satisfaction", "business")
LEAST = 10  # later leavers for learning weights; below: equal ones


def features_of(names: Sequence[str], dimension: str) -> tuple[str, ...]:
    """Keys are written dimension.indicator."""
    return tuple(name for name in names if name.split(".", 1)[0] == dimension)


def fit_parts(
    stack: Stack, *, options: Options | None = None, groups: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, Fitted]:
    """One model a group of features (by default a dimension); groups without features are left out."""
    options = options or Options()
    groups = groups or {name: features_of(stack.names, name) for name in DIMENSIONS}
    return {
        name: replace(fit(stack, options=replace(options, features=features)), kind=f"part.{name}")
        for name, features in groups.items()
        if features
    }


def stacking_weights(models: Sequence[Fitted], later: Stack) -> tuple[float, Floats]:
    """Intercept and weights of least log loss on later rows; a small pull towards equal weights that add up to one."""
    from scipy.optimize import minimize

    later = in_order(later)
    later = take(later, outcomes(later).counts[:, 0])
    seen = outcomes(later)
    counts, leaves = seen.counts[:, :SHOWN], seen.leaves[:, :SHOWN]
    equal = np.full(len(models), 1.0 / len(models))
    if len(np.unique(later.account[leaves.any(axis=1)])) < LEAST:
        return 0.0, equal
    eta = np.stack([raw_logits(model, later)[:, :SHOWN] for model in models], axis=2)
    used = counts * later.weights[:, None]

    def judged(beta: Floats) -> tuple[float, Floats]:
        logits = beta[0] + eta @ beta[1:]
        value = float((used * (np.logaddexp(0.0, logits) - leaves * logits)).sum())
        rest = used * (1.0 / (1.0 + np.exp(-logits)) - leaves)
        off = beta[1:] - equal
        slope = np.append(rest.sum(), np.einsum("nk,nkm->m", rest, eta) + 2.0 * off)
        return value + float(off @ off), slope

    bounds = [(None, None)] + [(0.0, None)] * len(models)
    found = minimize(judged, np.append(0.0, equal), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), np.asarray(found.x[1:])


def ensemble(models: Mapping[str, Fitted], later: Stack) -> Fitted:
    """The models' weighted sum. Their features must differ. Its interval treats the parts' errors as independent."""
    named = list(models.items())
    if not named or any(model.timing.link is not None for _, model in named):
        raise ValueError("an ensemble is made of additive models")
    level, weights = stacking_weights([model for _, model in named], later)
    widths = [0 if model.timing.spread is None else model.timing.spread.shape[1] for _, model in named]
    starts = np.cumsum([0, *widths])
    curves: list[Curve] = []
    for (_, model), weight, start in zip(named, weights, starts, strict=False):
        curves += [_scaled(curve, float(weight), int(start), int(starts[-1])) for curve in model.curves]
    if len({curve.name for curve in curves}) < len(curves):
        raise ValueError("two parts share a feature")
    facts = dict(named[0][1].facts) | {
        "weights": {name: float(w) for (name, _), w in zip(named, weights, strict=True)}
    }
    timing = _timing([model for _, model in named], weights, level)
    fade = faded([model for _, model in named], weights)
    return Fitted("ensemble", tuple(curves), timing, Calibration(), facts, fade)


def faded(models: Sequence[Fitted], weights: Floats) -> Floats:
    """One fade for all features: the parts' mean, by their weights."""
    whole = float(weights.sum())
    shares = weights / whole if whole > 0 else np.full(len(weights), 1 / len(weights))
    mean = shares @ np.stack([model.fade for model in models])
    mean[0] = 1.0  # shares add up to it but for rounding
    return np.asarray(np.minimum.accumulate(mean))


def _scaled(curve: Curve, weight: float, start: int, total: int) -> Curve:
    """The curve times its weight; its spread moves to directions of its own."""

    def moved(spread: Floats | None) -> Floats | None:
        if spread is None:
            return None
        out = np.zeros((len(spread), total))
        out[:, start : start + spread.shape[1]] = weight * spread
        return out

    early = None if curve.early is None else weight * curve.early
    return replace(
        curve,
        table=weight * curve.table,
        early=early,
        spread=moved(curve.spread),
        early_spread=moved(curve.early_spread),
    )


def _timing(models: Sequence[Fitted], weights: Floats, level: float) -> Timing:
    first = models[0].timing
    coefs = np.sum([w * model.timing.coefs for model, w in zip(models, weights, strict=True)], axis=0)
    coefs[: len(PERIODS)] += level
    usual = level + np.sum([w * model.timing.usual for model, w in zip(models, weights, strict=True)], axis=0)
    spreads = [
        w * m.timing.spread for m, w in zip(models, weights, strict=True) if m.timing.spread is not None
    ]
    return replace(first, coefs=coefs, usual=usual, spread=np.hstack(spreads) if spreads else None)
