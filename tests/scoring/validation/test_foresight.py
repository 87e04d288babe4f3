"""The features' slope by hand, who could have left when, and both errors: an alarm for nothing and a switch unseen."""

import numpy as np
import pytest

from scoring.engine.validation.drift import SLOPE_ALPHA, Sample, drift
from scoring.engine.validation.foresight import RiskSets, against, features_slope, moments, risk_sets
from tests.scoring.validation.worlds import observed

EMPTY = Sample(np.zeros((0, 0)), np.zeros(0), 0)


def slope_row(sets, promised=1.0):
    return next(
        row for row in drift((), EMPTY, EMPTY, None, sets, promised=promised) if row["key"] == "slope"
    )


def weeks(ranks, *, accounts=100, spread=2.0, timing=None):
    """A set a leaver: features evenly spread over `accounts`, the leaver's at this place of them."""
    features = np.tile(np.linspace(-spread, spread, accounts), len(ranks))
    left = np.zeros(features.size, dtype=bool)
    left[[round(rank * (accounts - 1)) + at * accounts for at, rank in enumerate(ranks)]] = True
    offset = np.zeros(features.size) if timing is None else np.tile(timing, len(ranks))
    return RiskSets(features, offset, left, np.repeat(np.arange(len(ranks)), accounts))


def test_moments_by_hand():
    """Features 0 and ln 3, timing equal: at slope 1 the second leaves with a chance of 3/4."""
    high = np.log(3.0)
    sets = RiskSets(np.array([0.0, high]), np.zeros(2), np.array([True, False]), np.zeros(2, dtype=np.int64))
    found = moments(sets, 1.0)
    assert found.score == pytest.approx(-0.75 * high)
    assert found.information == pytest.approx(0.75 * 0.25 * high**2)
    assert found.third == pytest.approx(high**3 * (0.75 * 0.25**3 - 0.25 * 0.75**3))
    # timing of ln 3 for the first takes it back
    even = RiskSets(sets.features, np.array([high, 0.0]), sets.left, sets.group)
    assert moments(even, 1.0).score == pytest.approx(-0.5 * high)


def test_leavers_from_anywhere_trip_and_leavers_from_the_top_do_not():
    anywhere, top = np.linspace(0.02, 0.98, 20), np.linspace(0.5, 1.0, 20)
    found = slope_row(weeks(anywhere))
    assert found["tripped"]
    assert found["value"] < found["limit"] < 0.7
    assert found["words"].startswith(
        "Slope of the features apart from the contract's dates, on 20 that left: "
    )
    assert not slope_row(weeks(top))["tripped"]
    assert not slope_row(weeks(anywhere), promised=0.2)["tripped"]  # it never promised much
    few = slope_row(weeks(anywhere[:9]))
    assert (few["value"], few["tripped"]) == (None, False)
    for spread in (0.0, 1e-15):  # no features, and what rounding leaves of none
        flat = slope_row(weeks(anywhere, spread=spread))
        assert (flat["value"], flat["tripped"]) == (None, False)


def test_timing_does_not_make_up_for_features():
    """Those leave whose term ends, whatever their features: the chance as a whole ranks well, the features do not."""
    rng = np.random.default_rng(3)
    timing = np.where(rng.random(100) < 0.1, 3.0, 0.0)
    ends = np.flatnonzero(timing > 0)
    ranks = rng.choice(ends, size=25) / 99
    sets = weeks(ranks, timing=timing)
    z = sets.timing + sets.features
    leaver, others = z[sets.left], z[~sets.left]
    assert np.mean(leaver[:, None] > others[None, :]) > 0.75
    assert slope_row(sets)["tripped"]


def drawn(rng, slope, *, accounts=600, leavers=20):
    """Leavers of 9 weeks, drawn with this slope of features that are skewed as chances are."""
    features = rng.gumbel(size=(9, accounts))
    weight = np.exp(slope * features)
    left = np.zeros((9, accounts), dtype=bool)
    for week in rng.integers(0, 9, leavers):
        left[week, rng.choice(accounts, p=weight[week] / weight[week].sum())] = True
    return RiskSets(
        features.ravel() * 0.8, np.zeros(features.size), left.ravel(), np.repeat(np.arange(9), accounts)
    )


def test_it_errs_as_often_as_it_says_and_sees_what_it_should():
    rng = np.random.default_rng(11)
    quiet = [against(drawn(rng, 0.8), 1.0, alpha=0.05) for _ in range(400)]
    wrong = np.mean([value < limit for value, limit in quiet])
    print(f"beyond a limit of 5 %, without drift: {wrong:.1%} of 400")
    assert 0.02 < wrong < 0.085
    switched = [slope_row(drawn(rng, 0.0))["tripped"] for _ in range(60)]
    print(f"switches seen with 20 leavers, at {SLOPE_ALPHA:.2%}: {np.mean(switched):.0%}")
    assert np.mean(switched) > 0.8


def test_who_could_have_left_by_hand():
    # account 0 said on days 0, 7, 30 and left on day 33; account 1 left on day 5; account 2 stays, said on day 30 only
    rows = observed(
        [33.0, 26.0, 3.0, 5.0, np.inf],
        account=[0, 0, 0, 1, 2],
        day=[0, 7, 30, 0, 30],
        seen=[60, 53, 30, 60, 30],
    )
    features = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    sets = risk_sets(rows, features, np.zeros(5), since=0, until=60)
    weekly = [(set(sets.features[sets.group == each]), set(sets.features[(sets.group == each) & sets.left]))
              for each in np.unique(sets.group)]  # fmt: skip
    # the first scoring speaks from its own day on (5 weeks, to the 35th day), with account 1 only in the first
    assert weekly[0] == ({1.0, 4.0}, {4.0})
    assert weekly[1:5] == [({1.0}, set())] * 3 + [({1.0}, {1.0})]
    # day 7's from the 35th on, when account 0 has gone; day 30's from the 58th
    assert weekly[5:] == [({5.0}, set())]
    assert not len(risk_sets(rows, np.full(5, np.nan), np.zeros(5), since=0, until=60).left)


def test_what_a_back_test_promises():
    rng = np.random.default_rng(5)
    features = rng.normal(size=4000)
    day = np.repeat(np.arange(4) * 30, 1000)
    left = rng.random(4000) < 1 / (1 + np.exp(3.5 - 0.6 * features))
    found = features_slope(observed(left, day=day), left, features, np.zeros(4000))
    assert found["value"] == pytest.approx(0.6, abs=3 * found["sd"])
    assert found["events"] == left.sum()
    assert features_slope(observed(left, day=day), left, np.zeros(4000), np.zeros(4000)) is None
    assert (
        features_slope(observed(left, day=day), left, features * 0.01, np.zeros(4000)) is None
    )  # it says nothing
