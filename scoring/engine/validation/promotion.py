"""Challenger against champion, pair by pair on the same rows.

Source: SCORING.md c: promote only where the interval of the log-loss difference excludes zero and calibration is no
worse. Differences are taken row by row, then whole accounts are drawn: what both find hard cancels out. ECE is compared
beyond the value it has by chance, for a model with one value for all has one bin and little noise.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .intervals import draw, figure
from .measures import ECE_BINS, TINY, gaps
from .rows import HORIZONS, Floats, Rows, outcome

ECE_SLACK = 0.01  # a rise of ECE that counts as worse, whatever its interval


def promote(
    stack: Rows,
    challenger: Floats,
    champion: Floats,
    *,
    draws: int = 500,
    seed: int = 0,
    horizons: Sequence[int] = HORIZONS,
) -> dict[str, Any]:
    """{promote, words, horizons}: per horizon the differences challenger - champion (below zero: better).

    `challenger` and `champion` are n x horizons. The last horizon decides; the others must not be shown to be worse.
    """
    drawn = draw(stack.account, draws=draws, seed=seed)
    found: dict[str, Any] = {}
    for at, horizon in enumerate(horizons):
        known, left = outcome(stack, horizon)
        y = left[known].astype(np.float64)
        found[str(horizon)] = _pair(y, challenger[known, at], champion[known, at], drawn.of(known))
    reasons = [words for each in found.values() for words in each["against"]]
    last = found[str(horizons[-1])]["log_loss"]
    if last["high"] is None or last["high"] >= 0:
        reasons.insert(0, f"log loss at {horizons[-1]} days is not shown to be better ({_words(last)})")
    words = "; ".join(reasons) if reasons else f"log loss at {horizons[-1]} days is better ({_words(last)})"
    return {"promote": not reasons, "words": words, "draws": draws, "seed": seed, "horizons": found}


def _pair(y: Floats, new: Floats, old: Floats, drawn: Any) -> dict[str, Any]:
    """The differences of one horizon, and what speaks against the challenger in it."""
    if not y.size:
        nothing = {"value": None, "low": None, "high": None, "n": 0, "events": 0}
        return {"log_loss": nothing, "brier": nothing, "ece": nothing, "against": ["no closed windows"]}
    new, old = np.clip(new, TINY, 1 - TINY), np.clip(old, TINY, 1 - TINY)
    columns = [np.ones(y.size), _loss(y, new) - _loss(y, old), (new - y) ** 2 - (old - y) ** 2]
    sums = drawn.sums(np.column_stack([*columns, gaps(y, new), gaps(y, old)]))
    n = np.maximum(sums[:, 0], 1)
    eces = np.abs(sums[:, 3:]).reshape(-1, 2, ECE_BINS).sum(axis=2) / n[:, None]
    excess = eces[:, 0] - eces[:, 1]
    value = excess[0] - _noise(new) + _noise(old)
    excess[1:] += value - excess[1:].mean()  # draws double the noise: they are moved onto the figure
    excess[0] = value
    size = {"n": y.size, "events": y.sum()}
    made: dict[str, Any] = {
        "log_loss": figure(sums[:, 1] / n, **size),
        "brier": figure(sums[:, 2] / n, **size),
        "ece": figure(excess, **size),
    }
    made["against"] = _against(made)
    return made


def _against(made: dict[str, Any]) -> list[str]:
    found = []
    if made["log_loss"]["low"] is not None and made["log_loss"]["low"] > 0:
        found.append(f"log loss is worse ({_words(made['log_loss'])})")
    ece = made["ece"]
    if ece["value"] > ECE_SLACK or (ece["low"] is not None and ece["low"] > 0):
        found.append(f"calibration is worse (ECE {_words(ece)})")
    return found


def _noise(p: Floats) -> float:
    """The ECE that perfectly calibrated chances would show by chance (mean absolute value of a normal, by bin)."""
    place = gaps(np.zeros(p.size), p) != 0
    variance = (place * (p * (1 - p))[:, None]).sum(axis=0)
    return float(np.sqrt(2 / np.pi * variance).sum() / p.size)


def _loss(y: Floats, p: Floats) -> Floats:
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)), dtype=np.float64)


def _words(each: dict[str, Any]) -> str:
    if each["low"] is None:
        return "no interval"
    return f"{each['value']:+.4f}, 95 % {each['low']:+.4f} to {each['high']:+.4f}"
