"""The lowest threshold at which a precision holds, and words when none does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.validation import choose_threshold

P = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
Y = np.array([1, 1, 0, 1, 0, 1, 0, 0])


def test_the_lowest_threshold_by_hand():
    found = choose_threshold(P, Y, 0.66, least=1, draws=50)  # precision: 1, 1, 2/3, 3/4, 3/5, 2/3, 4/7, 1/2
    assert found["threshold"] == 0.4
    assert found["flagged"] == 6
    assert found["precision"]["value"] == pytest.approx(4 / 6)
    assert found["recall"]["value"] == 1.0
    assert found["recall"]["low"] < 1.0
    assert "67% of 6 flagged rows left" in found["words"]


def test_none_reaches_it():
    found = choose_threshold(P, 1 - Y, 0.9, least=2)
    assert not found["reached"]
    assert found["threshold"] is None
    assert found["best"] == pytest.approx(0.5)
    assert found["words"].startswith("No threshold reaches 90%: the best is 50%")
    assert "too few" in choose_threshold(P, Y, 0.5)["words"]  # eight rows, ten needed


def test_one_lucky_row_is_not_a_threshold():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = rng.random(500) < 0.1
    y[np.argmax(p)] = True
    assert not choose_threshold(p, y, 0.8)["reached"]


@given(st.integers(0, 10_000), st.floats(0.05, 0.9))
@settings(max_examples=40, deadline=None)
def test_it_holds_and_nothing_lower_does(seed, wanted):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(80), 1)
    y = rng.random(80) < p
    found = choose_threshold(p, y, wanted, draws=5)
    cuts = [cut for cut in np.unique(p) if (p >= cut).sum() >= 10 and y[p >= cut].mean() >= wanted - 1e-12]
    assert found["reached"] == bool(cuts)
    assert found["threshold"] == (min(cuts) if cuts else None)
