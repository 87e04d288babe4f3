"""Bins that can be read: counts, intervals, none under five expected events."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.validation.intervals import wilson
from scoring.engine.validation.reliability import reliability
from tests.scoring.validation.worlds import world


def test_two_bins_by_hand():
    p = np.repeat([0.1, 0.4], 50)
    y = np.r_[np.arange(50) < 10, np.arange(50) < 20]
    found = reliability(p, y, np.arange(100), 90)
    assert found["interval"] == "Wilson"
    low, high = found["bins"]
    assert (low["p"], low["rate"], low["n"], low["events"]) == (pytest.approx(0.1), 0.2, 50, 10)
    assert low["expected"] == pytest.approx(5.0)
    assert (low["low"], low["high"]) == pytest.approx(wilson(10, 50))
    assert (high["rate"], high["expected"]) == (0.4, pytest.approx(20.0))


def test_too_few_expected_events_draw_nothing():
    found = reliability(np.full(100, 0.04), np.zeros(100), np.arange(100), 90)
    assert found["bins"] == []
    assert found["withheld"].startswith("4.0 leavings were expected in 100 rows")


@given(st.integers(0, 10_000), st.floats(0.01, 0.5), st.integers(20, 600))
@settings(max_examples=60, deadline=None)
def test_no_bin_expects_fewer_than_five_and_bins_hold_everybody(seed, top, n):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(n) * top, 2)
    y = rng.random(n) < p
    found = reliability(p, y, rng.integers(0, 50, size=n), 90, draws=20)
    if found["bins"]:
        assert min(each["expected"] for each in found["bins"]) >= 5 - 1e-9
        assert sum(each["n"] for each in found["bins"]) == n
        assert sum(each["events"] for each in found["bins"]) == y.sum()
        ends = [(each["from"], each["to"]) for each in found["bins"]]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(ends))
    else:
        assert p.sum() < 5


def test_a_calibrated_world_lies_inside_its_intervals():
    inside = []
    for seed in range(10):
        stack, p = world(1000, 3, seed=seed)
        found = reliability(p[:, 2], stack.leaves_in < 90, stack.account, 90, draws=200)
        assert found["interval"] == "accounts resampled"
        inside += [each["low"] <= each["p"] <= each["high"] for each in found["bins"]]
    assert np.mean(inside) > 0.88
