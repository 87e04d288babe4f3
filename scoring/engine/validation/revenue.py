"""Expected renewal revenue with an interval by simulation, and how past forecasts did.

Source: SCORING.md h. Three layers: parameter draws (all accounts share the coefficients, so their errors are taken to
move together: the wide case), a common shock on the logit, and who happens to renew. Logits are stretched so that
shocks leave each account's chance what it is (the probit approximation of the logistic-normal mean, MacKay 1992). The
largest accounts renew or not one by one; the many small ones by the central limit theorem. Pinball loss as in Koenker
and Bassett 1978; widening by conformal quantiles of past misses as in Vovk et al. 2005.
"""

import math
from typing import Any

import numpy as np

from .intervals import number, wilson
from .rows import Floats

LEVELS = (50, 80, 95)
SHOCK = 0.25
SIMULATIONS = 2_000
SINGLE = 50  # the largest accounts, drawn one by one
BLOCK = 2_000_000  # cells at a time
LEAST_PERIODS = 12  # of past forecasts before they may widen the next


def renewal_revenue(
    p: Floats,
    arr: Floats,
    *,
    logit_sd: Floats | float = 0.0,
    shock: float = SHOCK,
    growth: Floats | float = 0.0,
    widen: float = 1.0,
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> dict[str, Any]:
    """Sum of p x ARR x (1 + growth) with 50, 80 and 95 % intervals, as JSON.

    `p` chance to renew (n), `arr` in one currency (n; NaN counts as nothing and is counted), `logit_sd` the SD of each
    account's logit from the model's parameters, `shock` that of the common shock, `widen` the factor of past misses.
    """
    known = ~(np.isnan(p) | np.isnan(arr))
    sd = np.broadcast_to(np.asarray(logit_sd, dtype=np.float64), p.shape)[known]
    money = (arr * (1 + np.asarray(growth)))[known]
    chance = np.clip(p[known], 1e-9, 1 - 1e-9)
    expected = float((chance * money).sum())
    drawn = _simulate(chance, money, sd, shock, simulations, seed)
    moved = expected + (drawn - expected) * widen
    found = np.quantile(moved, [q for each in LEVELS for q in _tails(each)]) if chance.size else np.zeros(6)
    ends = {str(each): [float(found[2 * at]), float(found[2 * at + 1])] for at, each in enumerate(LEVELS)}
    return {
        "expected": expected, "median": number(np.median(moved)), "total": float(money.sum()),
        "accounts": int(chance.size), "unknown": int((~known).sum()), "intervals": ends, "shock": shock,
        "widen": widen, "simulations": simulations, "seed": seed, "sd": number(drawn.std()),
    }  # fmt: skip


def _tails(level: int) -> tuple[float, float]:
    return (100 - level) / 200, (100 + level) / 200


def _simulate(p: Floats, money: Floats, sd: Floats, shock: float, simulations: int, seed: int) -> Floats:
    """Simulated sums (simulations)."""
    rng = np.random.default_rng(seed)
    parameter, common, chance = rng.normal(size=(3, simulations))
    order = np.argsort(-np.abs(money), kind="stable")
    p, money, sd = p[order], money[order], sd[order]
    stretch = np.sqrt(1 + math.pi / 8 * (sd**2 + shock**2))
    z = (np.log(p) - np.log1p(-p)) * stretch
    single = min(SINGLE, p.size)
    luck = rng.random((simulations, single), dtype=np.float32)
    made = np.zeros(simulations)
    step = max(BLOCK // max(p.size, 1), 1)
    for start in range(0, simulations, step):
        at = slice(start, start + step)
        each = _chances(z, sd, parameter[at], shock * common[at])
        made[at] = (luck[at] < each[:, :single]) @ money[:single]
        made[at] += _many(each[:, single:], money[single:], chance[at])
    return made


def _chances(z: Floats, sd: Floats, parameter: Floats, common: Floats) -> Any:
    """Chances under shocks: simulations x accounts, in float32 for speed (an error of 1e-7 of a chance)."""
    each = np.multiply.outer(parameter.astype(np.float32), sd.astype(np.float32))
    each += z.astype(np.float32) + common.astype(np.float32)[:, None]
    np.negative(each, out=each)
    np.exp(np.minimum(each, 80, out=each), out=each)
    each += 1
    return np.reciprocal(each, out=each)


def _many(p: Any, money: Floats, chance: Floats) -> Floats:
    """Sums over many small accounts by the central limit theorem, inside what is possible."""
    if not money.size:
        return np.zeros(chance.size)
    weights = np.column_stack([money, money**2]).astype(np.float32)
    sums = (p @ weights).astype(np.float64)
    variance = sums[:, 1] - (p * p) @ weights[:, 1]
    least, most = money[money < 0].sum(), money[money > 0].sum()
    made: Floats = np.clip(sums[:, 0] + chance * np.sqrt(np.maximum(variance, 0)), least, most)
    return made


def score_forecasts(expected: Floats, intervals: Floats, actual: Floats) -> dict[str, Any]:
    """How past forecasts did: `expected` (n), `intervals` n x 3 x 2 (50, 80, 95 %), `actual` (n).

    Coverage of each level with Wilson's interval, pinball loss of each end, bias, and the factor that would have made
    the 80 % interval right (`widen`; None before 12 periods).
    """
    n = int(actual.size)
    if not n:
        return {"n": 0, "bias": None, "relative_bias": None, "levels": {}, "widen": None}
    levels = {}
    for at, level in enumerate(LEVELS):
        low, high = intervals[:, at, 0], intervals[:, at, 1]
        inside = int(((low <= actual) & (actual <= high)).sum())
        ends = wilson(inside, n)
        tails = _tails(level)
        levels[str(level)] = {
            "coverage": inside / n, "low": ends[0], "high": ends[1], "n": n, "inside": inside,
            "pinball": [pinball(low, actual, tails[0]), pinball(high, actual, tails[1])],
        }  # fmt: skip
    bias = float((expected - actual).mean())
    return {
        "n": n, "bias": bias, "relative_bias": number(bias / actual.mean() if actual.mean() else None),
        "levels": levels, "widen": _widen(expected, intervals[:, 1], actual),
    }  # fmt: skip


def pinball(forecast: Floats, actual: Floats, quantile: float) -> float:
    """Mean pinball loss of one quantile, in the unit of the figures."""
    miss = actual - forecast
    return float(np.maximum(quantile * miss, (quantile - 1) * miss).mean())


def _widen(expected: Floats, eighty: Floats, actual: Floats) -> float | None:
    """The conformal 80 % quantile of |miss| in units of the interval's own half on that side."""
    if actual.size < LEAST_PERIODS:
        return None
    half = np.where(actual >= expected, eighty[:, 1] - expected, expected - eighty[:, 0])
    ratio = np.sort(np.abs(actual - expected) / np.maximum(half, 1e-12))
    return float(ratio[min(math.ceil(0.8 * (actual.size + 1)), actual.size) - 1])
