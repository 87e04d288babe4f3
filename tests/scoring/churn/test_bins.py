"""Bins that trees are grown on: what is left of a cut between numbers is left of its edge, and the other way round."""

import numpy as np
import pytest

from scoring.engine.churn.bins import MOST, binned


def drawn(digits, *, rows=4000):
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=(rows, 2)), digits)
    x[rng.random(x.shape) < 0.2] = np.nan
    return x, rng.uniform(0.5, 5.0, rows)


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_numbers_and_edges_say_the_same(digits):
    x, weight = drawn(digits)
    bins = binned(x, weight)
    numbers = bins.numbers(x)
    for at, edges in enumerate(bins.edges):
        known = ~np.isnan(x[:, at])
        np.testing.assert_array_equal(known, ~np.isnan(numbers[:, at]))
        assert len(edges) == min(MOST, len(np.unique(x[known, at]))) - 1
        for place, edge in enumerate(edges):
            np.testing.assert_array_equal(x[known, at] <= edge, numbers[known, at] <= place)
            assert bins.values(at, np.array([place + 0.5]))[0] == edge


def test_bins_hold_equal_shares_of_the_weight():
    x, weight = drawn(9)
    weight[x[:, 0] > 1] *= 50
    numbers = binned(x, weight).numbers(x)[:, 0]
    known = ~np.isnan(numbers)
    shares = np.bincount(numbers[known].astype(int), weight[known]) / weight[known].sum()
    assert shares.max() < 3 / MOST + weight.max() / weight[known].sum()


def test_a_column_without_values_has_no_edges():
    bins = binned(np.full((5, 1), np.nan), np.ones(5))
    assert len(bins.edges[0]) == 0
    assert np.isnan(bins.numbers(np.full((5, 1), np.nan))).all()
