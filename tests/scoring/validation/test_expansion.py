"""Hit rates: plain, with intervals, and shrunken as far as the groups are alike."""

import numpy as np
import pytest

from scoring.engine.validation.expansion import hit_rates
from scoring.engine.validation.intervals import beta, wilson


def test_rates_and_posterior_by_hand():
    found = hit_rates({"trial": (6, 20), "invite": (1, 4), "none": (0, 0)})
    trial, prior = found["groups"]["trial"], found["prior"]
    assert trial["rate"] == 0.3
    assert (trial["low"], trial["high"]) == wilson(6, 20)
    assert (trial["beta_low"], trial["beta_high"]) == beta(6, 20)
    assert trial["shrunken"] == pytest.approx((prior["a"] + 6) / (prior["worth"] + 20))
    assert found["groups"]["none"]["rate"] is None
    assert found["groups"]["none"]["shrunken"] == pytest.approx(prior["mean"])


def test_alike_groups_shrink_much_and_different_ones_little():
    alike = hit_rates({str(at): (20, 100) for at in range(12)})["prior"]["worth"]
    apart = hit_rates({str(at): (2 if at % 2 else 60, 100) for at in range(12)})["prior"]["worth"]
    assert alike > 100
    assert apart < 10


def test_shrunken_rates_are_nearer_to_the_truth():
    """Eight worlds of 60 groups; posterior intervals know nothing of the prior's own error and cover a little less."""
    plain, shrunken, covered = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        truth = rng.beta(4, 16, size=60)
        hits = rng.binomial(12, truth)
        rows = hit_rates({str(at): (int(each), 12) for at, each in enumerate(hits)})["groups"].values()
        for row, each in zip(rows, truth, strict=True):
            plain.append((row["rate"] - each) ** 2)
            shrunken.append((row["shrunken"] - each) ** 2)
            covered.append(row["shrunken_low"] <= each <= row["shrunken_high"])
    print(f"coverage of shrunken 95 % intervals: {np.mean(covered):.3f}")
    assert np.mean(shrunken) < 0.6 * np.mean(plain)
    assert np.mean(covered) > 0.88


def test_no_cases_and_wrong_counts():
    assert hit_rates({"a": (0, 0)})["groups"]["a"]["shrunken"] == 0.5
    with pytest.raises(ValueError, match="more hits than cases"):
        hit_rates({"a": (3, 2)})
