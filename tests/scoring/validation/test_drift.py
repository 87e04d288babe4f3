"""PSI by hand, its value without drift, exposures, and both errors: alarms for nothing and a switch unseen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.validation.drift import Exposures, Sample, drift, exposures, tripped
from scoring.engine.validation.shift import EPSILON, psi, without_drift
from tests.scoring.validation.drifting import NAMES, looks
from tests.scoring.validation.worlds import observed


def test_psi_by_hand():
    training, now = np.arange(10.0), np.r_[np.zeros(5), np.full(5, 9.0)]
    value, bins = psi(training, now, bins=2)
    assert (value, bins) == (pytest.approx(0.0), 2)  # half below the median, half above
    value, _ = psi(training, np.r_[np.zeros(8), 9.0, 9.0], bins=2)
    assert value == pytest.approx(0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5))
    for n, floor in ((5, 0.5 / 5), (50_000, EPSILON)):  # an empty bin: half a row, at least epsilon
        value, _ = psi(training, np.zeros(n), bins=2)
        assert value == pytest.approx(0.5 * np.log(1 / 0.5) + (floor - 0.5) * np.log(floor / 0.5))
    assert np.isnan(psi(training, np.full(3, np.nan))[0])
    assert psi(np.ones(9), np.ones(5))[0] == 0.0


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_psi_does_not_see_monotone_maps_and_is_never_negative(seed):
    rng = np.random.default_rng(seed)
    old, new = rng.normal(size=200), rng.normal(0.5, 1, size=150)
    assert psi(old, new)[0] >= 0
    assert psi(np.exp(old), np.exp(new))[0] == pytest.approx(
        psi(old, new)[0], abs=0.05
    )  # cuts between values


def test_the_value_without_drift_is_what_simulation_gives():
    rng = np.random.default_rng(1)
    found = np.array([psi(rng.normal(size=800), rng.normal(size=300))[0] for _ in range(400)])
    mean, high = without_drift(10, 800, 300, alpha=0.05)
    assert mean == pytest.approx(9 * (1 / 800 + 1 / 300))
    assert found.mean() == pytest.approx(mean, rel=0.12)
    assert np.mean(found > high) == pytest.approx(0.05, abs=0.035)


def test_exposures_by_hand():
    # account 0 scored on days 0, 7, 14 and left on day 17; account 1 on day 0 only; account 2 on day 10
    rows = observed(
        [17.0, 10.0, 3.0, np.inf, np.inf],
        account=[0, 0, 0, 1, 2],
        day=[0, 7, 14, 0, 10],
        seen=[60, 53, 46, 60, 3],
    )
    found = exposures(rows, np.full(5, 0.3), since=0, until=45)
    # 7, 7, 30 days (capped, left in it), 30 days; account 2 is seen for 3 days only: left out
    assert found.left.tolist() == [False, False, True, False]
    assert found.p == pytest.approx([1 - 0.7 ** (7 / 30)] * 2 + [0.3, 0.3])
    assert exposures(rows, np.full(5, 0.3), since=0, until=16).left.sum() == 0  # not yet left


def sample(n, seed, shift=0.0, missing=0.05):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    x[:, 0] += shift
    x[rng.random((n, 2)) < missing] = np.nan
    return Sample(x, np.clip(np.nan_to_num(x[:, 0]) * 0.05 + 0.3, 0, 1), n)


def test_a_shift_trips_and_a_slight_one_is_watched():
    names = ("a", "b")
    big = {row["key"]: row for row in drift(names, sample(5000, 1), sample(5000, 2, shift=0.6))}
    assert big["psi.a"]["limit"] == 0.25
    slight = {row["key"]: row for row in drift(names, sample(5000, 1), sample(5000, 2, shift=0.4))}
    assert slight["psi.a"]["watch"]
    assert not slight["psi.a"]["tripped"]


def test_a_quarter_by_chance_is_no_drift_in_a_small_sample():
    rows = [drift(("a", "b"), sample(400, 1), sample(25, seed)) for seed in range(40)]
    values = [row["value"] for found in rows for row in found if row["key"].startswith("psi.")]
    assert max(values) > 0.25  # the plain rule would raise alarms
    assert not any(tripped(found) for found in rows)


def test_missing_values_trip():
    rows = drift(("a", "b"), sample(2000, 1), sample(2000, 2, missing=0.4))
    assert tripped(rows)[:2] == ["missing.a", "missing.b"]
    assert rows[0]["words"].startswith("a: without a value 4")


def outcomes(n, p, factor, seed=0):
    rng = np.random.default_rng(seed)
    return Exposures(np.full(n, p), rng.random(n) < p * factor)


def test_level_trips_beyond_the_band_and_chance_only():
    def row(seen):
        return {each["key"]: each for each in drift(("a", "b"), sample(50, 1), sample(50, 1), seen)}

    assert row(outcomes(20_000, 0.01, 2.0))["observed_expected"]["tripped"]
    assert row(outcomes(20_000, 0.01, 0.4))["observed_expected"]["tripped"]
    assert not row(outcomes(200_000, 0.01, 1.15))["observed_expected"]["tripped"]  # sure, but inside the band
    assert not row(outcomes(1500, 0.01, 1.6))["observed_expected"]["tripped"]  # outside, but may be chance
    few = row(outcomes(300, 0.01, 1.0))["observed_expected"]
    assert few["value"] is None
    assert "too few to judge" in few["words"]
    by_hand = row(Exposures(np.full(1000, 0.02), np.arange(1000) < 60))["observed_expected"]
    assert by_hand["value"] == pytest.approx(3.0)
    assert by_hand["words"].startswith("60 accounts left where 20.0 were expected (ratio 3.00")


def test_the_wrong_order_of_risk_is_watched_with_the_right_total():
    p = np.repeat([0.01, 0.1], 1000)
    left = np.r_[np.arange(1000) < 60, np.arange(1000) < 50]  # 110 of 110 expected
    found = {
        each["key"]: each for each in drift(("a", "b"), sample(50, 1), sample(50, 1), Exposures(p, left))
    }
    assert not found["observed_expected"]["tripped"]
    assert (found["by_fifths"]["tripped"], found["by_fifths"]["watch"]) == (False, True)


def test_no_drift_raises_few_alarms():
    """10 worlds of 500 accounts x 24 monthly looks, months that differ, a model with errors: alarms per world."""
    alarms = [
        seed for seed in range(10) if any(tripped(rows) for _, rows in looks(500, 26 + 24 * 4, seed=seed))
    ]
    print(f"worlds with any alarm in 24 monthly looks without drift: {len(alarms)} of 10")
    assert len(alarms) <= 1


def noticed(seed, **more):
    """Days from the switch to the first look (weekly) that trips; None within 60 days."""
    switch = 40
    found = looks(1000, switch + 9, seed=seed, switch=switch, every=1, first=switch, **more)
    return next(((week - switch) * 7 for week, rows in found if tripped(rows)), None)


def test_a_switch_of_mechanism_is_noticed_within_sixty_days():
    days = [noticed(seed) for seed in range(100, 110)]
    print("days to notice a switch, 1,000 accounts, 2.7 % a month:", days)
    assert sum(each is not None for each in days) >= 9


def test_a_jump_of_an_input_is_noticed_at_once():
    assert [noticed(seed, jump=1.2) for seed in range(200, 203)] == [0, 0, 0]


def test_names_and_rows_agree():
    _, rows = next(looks(100, 27, seed=0))
    keys = [each["key"] for each in rows]
    assert keys[:6] == [f"missing.{name}" for name in NAMES]
    assert keys[-4:] == ["score", "observed_expected", "by_fifths", "slope"]
