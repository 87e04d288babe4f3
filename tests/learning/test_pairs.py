"""The comparison with the reference, against values computed by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from . import judge, pairs


def test_expected_auc_is_the_mean_over_who_may_leave() -> None:
    p, true = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.2, 0.1, 0.6, 0.7])
    weight = hits = 0.0
    for one, other in product(range(4), range(4)):
        if one != other:
            both = true[one] * (1 - true[other])
            weight += both
            hits += both * (p[one] > p[other]) + both * (p[one] == p[other]) / 2
    assert judge.expected_auc(p, true) == pytest.approx(hits / weight)
    assert judge.expected_auc(-p, true) == pytest.approx(1 - hits / weight)
    assert judge.expected_auc(np.ones(4), true) == pytest.approx(0.5)
    left = np.array([0.0, 0.0, 1.0, 1.0])  # where everything is certain, it is the AUC
    assert judge.expected_auc(p, left) == judge.auc(p, left)
    assert np.isnan(judge.expected_auc(p, np.zeros(4)))


def made(*, accounts: int = 300, noise: float, seed: int = 0) -> pairs.Pair:
    """Four rows an account; the first chances are the true ones, the second ones are shaken."""
    rng = np.random.default_rng(seed)
    true = np.repeat(rng.uniform(0.02, 0.5, accounts), 4)
    left = (rng.random(len(true)) < true).astype(float)
    return pairs.Pair(
        true, true + rng.normal(0, noise, len(true)), left, np.repeat(np.arange(accounts), 4), true
    )


def test_the_interval_holds_zero_where_both_are_alike_and_not_where_one_is_worse() -> None:
    alike, worse = pairs.pooled([made(noise=0.0)], draws=100), pairs.pooled([made(noise=0.3)], draws=100)
    assert alike["difference"] == 0.0
    assert alike["difference_95"] == [0.0, 0.0]
    assert worse["difference_95"][0] > 0.05
    assert worse["expected_95"][0] > 0.05
    # the luck of who left is not in it
    width = worse["expected_95"][1] - worse["expected_95"][0]
    assert width < worse["difference_95"][1] - worse["difference_95"][0]


def test_worlds_are_pooled_by_their_mean_and_narrow_the_interval() -> None:
    worlds = [made(noise=0.2, seed=seed) for seed in range(4)]
    found = [pairs.pooled([world], draws=100) for world in worlds]
    whole = pairs.pooled(worlds, draws=100)
    assert whole["difference"] == pytest.approx(np.mean([each["difference"] for each in found]))
    assert whole["accounts_left"] == sum(each["accounts_left"] for each in found)
    assert whole["n"] == 4 * 1_200

    def width(each: dict[str, list[float]]) -> float:
        return each["difference_95"][1] - each["difference_95"][0]

    assert width(whole) < 0.75 * np.mean([width(each) for each in found])
