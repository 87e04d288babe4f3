"""Pairwise: a better model is promoted, a better but badly calibrated one and a lucky one are not."""

import numpy as np
import pytest

from scoring.engine.validation.promotion import promote
from tests.scoring.validation.worlds import observed, sigmoid, world


def logit(p):
    return np.log(p) - np.log1p(-p)


def test_the_difference_by_hand():
    stack = observed([10.0, np.inf])
    found = promote(stack, np.array([[0.5], [0.2]]), np.array([[0.4], [0.3]]), horizons=(90,), draws=10)
    by_hand = (-np.log(0.5) - np.log(0.8) + np.log(0.4) + np.log(0.7)) / 2
    assert found["horizons"]["90"]["log_loss"]["value"] == pytest.approx(by_hand)
    assert found["horizons"]["90"]["brier"]["value"] == pytest.approx((0.25 + 0.04 - 0.36 - 0.09) / 2)


def test_the_truth_beats_a_flat_model_and_not_the_other_way():
    stack, p = world(1500, 3, seed=1)
    flat = np.tile(p.mean(axis=0), (len(p), 1))
    better, worse = promote(stack, p, flat), promote(stack, flat, p)
    assert better["promote"]
    assert "better" in better["words"]
    assert not worse["promote"]
    assert "log loss is worse" in worse["words"]


def test_no_difference_is_not_promoted():
    stack, p = world(800, 2, seed=2)
    rng = np.random.default_rng(0)
    noisy = sigmoid(logit(p) + 0.05 * rng.normal(size=(len(p), 1)))
    assert not promote(stack, noisy, p)["promote"]
    assert not promote(stack, p, p)["promote"]


def test_sharper_but_off_is_not_promoted():
    stack, p = world(3000, 3, seed=3)
    flat = np.tile(p.mean(axis=0), (len(p), 1))
    off = sigmoid(logit(p) + 0.25)  # ranks well, says too much
    found = promote(stack, off, flat)
    assert found["horizons"]["90"]["log_loss"]["high"] < 0
    assert not found["promote"]
    assert "calibration is worse" in found["words"]


def test_chance_alone_promotes_rarely():
    """Two equally good models: the share of worlds in which one is promoted over the other."""
    promoted = 0
    for seed in range(60):
        stack, p = world(300, 2, seed=seed)
        rng = np.random.default_rng(seed + 1000)
        one, two = (sigmoid(logit(p) + 0.3 * rng.normal(size=(len(p), 1))) for _ in range(2))
        promoted += promote(stack, one, two, draws=200)["promote"]
    print(f"promoted by chance: {promoted} of 60")
    assert promoted <= 5
