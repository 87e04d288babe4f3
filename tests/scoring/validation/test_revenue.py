"""Expected renewals: the sum, intervals that widen for the right reasons and cover, speed, and past forecasts."""

import itertools

import numpy as np
import pytest

from scoring.engine.validation.revenue import pinball, renewal_revenue, score_forecasts
from tests.scoring.validation.worlds import sigmoid


def test_the_sum_and_the_exact_distribution_of_three_accounts():
    p, arr = np.array([0.9, 0.5, 0.7]), np.array([10.0, 20.0, 40.0])
    found = renewal_revenue(p, arr, shock=0.0, simulations=40_000)
    assert found["expected"] == pytest.approx(9 + 10 + 28)
    assert found["total"] == 70.0
    sums = {}
    for stays in itertools.product((0, 1), repeat=3):
        stays = np.array(stays)
        sums[float(stays @ arr)] = np.prod(np.where(stays, p, 1 - p))
    ordered, share = np.array(sorted(sums)), np.cumsum([sums[each] for each in sorted(sums)])
    for level, tails in (("50", (0.25, 0.75)), ("80", (0.1, 0.9))):
        exact = [ordered[np.searchsorted(share, each)] for each in tails]
        assert found["intervals"][level] == pytest.approx(exact)


def test_many_small_accounts_follow_the_central_limit():
    p, arr = np.full(4000, 0.8), np.full(4000, 1.0)
    found = renewal_revenue(p, arr, shock=0.0, simulations=4000)
    assert found["sd"] == pytest.approx(np.sqrt(4000 * 0.16), rel=0.02)
    assert found["intervals"]["95"] == pytest.approx([3200 - 1.96 * 25.3, 3200 + 1.96 * 25.3], abs=2.5)


def test_shocks_widen_and_keep_the_mean():
    p, arr = np.full(4000, 0.9), np.full(4000, 1.0)
    plain, common, unsure = (
        renewal_revenue(p, arr, shock=shock, logit_sd=sd, simulations=3000)
        for shock, sd in ((0, 0), (0.25, 0), (0.25, 0.3))
    )
    assert plain["sd"] < common["sd"] / 4 < unsure["sd"] / 4
    # the SD of sum p under a common shock on the logit: n p (1 - p) x .25, nearly
    assert common["sd"] == pytest.approx(4000 * 0.09 * 0.25, rel=0.08)
    assert unsure["median"] == pytest.approx(3600, rel=0.01)


def test_unknown_money_is_counted_and_nobody_is_fine():
    found = renewal_revenue(np.array([0.5, 0.5]), np.array([np.nan, 10.0]), growth=0.1)
    assert (found["accounts"], found["unknown"], found["expected"]) == (1, 1, pytest.approx(5.5))
    nobody = renewal_revenue(np.array([]), np.array([]))
    assert nobody["expected"] == 0.0
    assert nobody["intervals"]["95"] == [0.0, 0.0]
    assert renewal_revenue(np.array([0.5]), np.array([10.0])) == renewal_revenue(
        np.array([0.5]), np.array([10.0])
    )


def test_intervals_cover_when_the_world_has_a_common_shock():
    rng = np.random.default_rng(8)
    z, arr = rng.normal(1.5, 1, size=800), rng.lognormal(3, 1, size=800)
    made = renewal_revenue(sigmoid(z), arr, simulations=4000)
    alone = renewal_revenue(sigmoid(z), arr, shock=0.0, simulations=4000)
    stretch = np.sqrt(1 + np.pi / 8 * 0.25**2)
    truth = np.array(
        [arr[rng.random(800) < sigmoid(z * stretch + 0.25 * rng.normal())].sum() for _ in range(1000)]
    )
    covered = {
        level: np.mean((ends[0] <= truth) & (truth <= ends[1])) for level, ends in made["intervals"].items()
    }
    print("coverage of revenue intervals in 1,000 draws of the world", covered)
    for level, share in covered.items():
        assert share == pytest.approx(int(level) / 100, abs=0.05)
    low, high = alone["intervals"]["80"]
    assert np.mean((low <= truth) & (truth <= high)) < 0.7  # chance alone is too sure


def test_past_forecasts_by_hand():
    assert pinball(np.array([10.0, 10.0]), np.array([14.0, 6.0]), 0.9) == pytest.approx((3.6 + 0.4) / 2)
    expected = np.full(20, 100.0)
    ends = np.tile([[95, 105], [90, 110], [80, 120]], (20, 1, 1)).astype(float)
    actual = 100 + np.arange(-10, 10) * 2.0  # -20 .. 18
    found = score_forecasts(expected, ends, actual)
    assert found["levels"]["80"]["inside"] == 11  # -10 .. 10
    assert found["levels"]["95"]["coverage"] == 1.0
    assert found["bias"] == pytest.approx(1.0)
    # 80 % conformal: the 17th of the sorted misses, 0 2 2 4 4 .. 18 18 20, in halves of 10
    assert found["widen"] == pytest.approx(1.6)
    assert score_forecasts(expected[:5], ends[:5], actual[:5])["widen"] is None
    assert score_forecasts(expected[:0], ends[:0], actual[:0])["n"] == 0
