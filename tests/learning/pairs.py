"""Two ways to give chances on the same rows, compared: AUC of both, and the difference with its interval by accounts.

Rows of one account are alike, so whole accounts are drawn. Several worlds of one kind (one seed each) are pooled by the
plain mean of their differences; each world's accounts are drawn within it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.learning import judge

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """One world, one horizon; n rows."""

    mine: Floats
    theirs: Floats
    left: Floats
    who: npt.NDArray[Any]
    true: Floats | None = None  # the true chances, where a world has any
    base: float | None = None  # the rate that was known when both learnt


def difference(pair: Pair) -> float:
    """AUC of the first less that of the second."""
    return judge.auc(pair.mine, pair.left) - judge.auc(pair.theirs, pair.left)


def expected_difference(pair: Pair) -> float:
    """The same, as the true chances let expect it: the luck of who left is not in it."""
    assert pair.true is not None
    return judge.expected_auc(pair.mine, pair.true) - judge.expected_auc(pair.theirs, pair.true)


Measure = Callable[[Pair], float]


def drawn(pair: Pair, measure: Measure, *, draws: int, seed: int = 0) -> Floats:
    """The measure in draws of whole accounts with repetition; NaN where a draw has nobody who left."""
    rng, found = np.random.default_rng(seed), []
    _, place = np.unique(pair.who, return_inverse=True)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(place.max() + 2))
    groups = np.split(order, bounds[1:-1])
    for _ in range(draws):
        rows = np.concatenate([groups[each] for each in rng.integers(0, len(groups), len(groups))])
        true = None if pair.true is None else pair.true[rows]
        found.append(measure(Pair(pair.mine[rows], pair.theirs[rows], pair.left[rows], pair.who[rows], true)))
    return np.array(found)


def interval(pairs: list[Pair], measure: Measure, *, draws: int = 400) -> dict[str, float]:
    """Mean of a measure over worlds of one kind, and its 95 % percentile interval."""
    spread = np.mean([drawn(pair, measure, draws=draws, seed=at) for at, pair in enumerate(pairs)], axis=0)
    known = spread[~np.isnan(spread)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return {
        "value": float(np.mean([measure(pair) for pair in pairs])),
        "low": float(low),
        "high": float(high),
    }


def pooled(pairs: list[Pair], *, draws: int = 400) -> dict[str, Any]:
    """Figures over worlds of one kind: means over the worlds, and the intervals of the mean differences."""
    found, mine, theirs = (
        interval(pairs, difference, draws=draws),
        _both(pairs, "mine"),
        _both(pairs, "theirs"),
    )
    out = {
        "worlds": len(pairs), "n": len(mine[0]), "leavers": int(mine[1].sum()),
        "accounts_left": sum(len(np.unique(pair.who[pair.left == 1])) for pair in pairs),
        "auc": float(np.mean([judge.auc(pair.mine, pair.left) for pair in pairs])),
        "auc_reference": float(np.mean([judge.auc(pair.theirs, pair.left) for pair in pairs])),
        "difference": found["value"], "difference_95": [found["low"], found["high"]],
        "ece": judge.calibration_error(*mine)[0], "ece_reference": judge.calibration_error(*theirs)[0],
        "skill": judge.brier_skill(*mine), "skill_reference": judge.brier_skill(*theirs),
        "skill_95": judge.skill_interval(*mine, _apart(pairs)),
        "largest": float(max(pair.mine.max() for pair in pairs)),
    }  # fmt: skip
    if len(pairs) == 1 and pairs[0].base is not None:
        base = pairs[0].base
        out |= {"base": base, "skill_known": judge.brier_skill(*mine, base)}
        out |= {"skill_known_95": judge.skill_interval(*mine, pairs[0].who, base=base)}
    if any(pair.true is None for pair in pairs):
        return out
    expected = interval(pairs, expected_difference, draws=draws)
    return out | {
        "expected": expected["value"],
        "expected_95": [expected["low"], expected["high"]],
        "ece_of_the_truth": judge.calibration_error(mine[0], _both(pairs, "true")[0])[0],
    }


def _both(pairs: list[Pair], whose: str) -> tuple[Floats, Floats]:
    return np.concatenate([getattr(pair, whose) for pair in pairs]), np.concatenate(
        [pair.left for pair in pairs]
    )


def _apart(pairs: list[Pair]) -> npt.NDArray[Any]:
    """Accounts of different worlds are different ones."""
    places, start = [], 0
    for pair in pairs:
        _, place = np.unique(pair.who, return_inverse=True)
        places.append(place + start)
        start += int(place.max()) + 1
    return np.concatenate(places)
