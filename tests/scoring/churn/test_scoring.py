"""Chances and explanations against hand arithmetic, and promises that hold for every model and row."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.churn.chances import chances, logit
from scoring.engine.churn.data import PERIODS
from scoring.engine.churn.explain import TIMING, explain, explain_change
from scoring.engine.churn.model import Calibration

from . import by_hand

NAMES = ("a", "b", "c")
heights = st.floats(-3, 3).map(lambda value: round(value, 3))


@st.composite
def models(draw):
    """Any curves, linear or steps, with or without a part of the first period's own, any calibration."""
    curves = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        form = draw(st.sampled_from(["linear", "step"]))
        xs = sorted(draw(st.sets(st.integers(-5, 5), min_size=1, max_size=4)))
        count = len(xs) + 1 + (form == "step")
        table = draw(st.lists(heights, min_size=count, max_size=count))
        early = draw(st.none() | st.lists(heights, min_size=count, max_size=count))
        usual = draw(st.sampled_from([0.0, 2.5, np.nan]))
        curves.append(by_hand.curve(name, xs, table, usual=usual, early=early, form=form))
    done = draw(
        st.builds(
            Calibration,
            st.sampled_from(["none", "intercept", "both", "base_rate"]),
            st.floats(-2, 2),
            st.floats(0.3, 1.5),
        )
    )
    return by_hand.model(curves, calibration=done)


@st.composite
def stacks(draw, count=5):
    value = st.one_of(st.just(np.nan), st.floats(-8, 8))
    x = draw(st.lists(st.lists(value, min_size=3, max_size=3), min_size=count, max_size=count))
    renewal = draw(
        st.lists(st.one_of(st.just(np.nan), st.integers(-40, 500)), min_size=count, max_size=count)
    )
    return by_hand.rows(x, NAMES, renewal_in=renewal)


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def test_chances_by_hand():
    """Row 1: level 2.5 gives .5, nps 3 gives -.4; the term ends on day 70, in the third period."""
    row = by_hand.rows([[2.5, 3.0]], renewal_in=[70])
    found = chances(by_hand.model(), row)
    plain, ends = sigmoid(-3 + 0.5 - 0.4), sigmoid(-3 + 0.5 - 0.4 + 1.5)
    stays = [1 - plain, (1 - plain) ** 2, (1 - plain) ** 2 * (1 - ends)]
    np.testing.assert_allclose(found.p[0], 1 - np.array(stays), atol=5e-7)
    np.testing.assert_allclose(found.renew[0], stays[2], atol=5e-7)
    np.testing.assert_allclose(found.leaves[0, 5], 1 - stays[2] * (1 - plain) ** 3, atol=5e-7)


def test_a_missing_value_has_its_own_level_and_the_first_period_its_own_part():
    found = chances(by_hand.model(), by_hand.rows([[np.nan, 1.0]]))
    first, later = sigmoid(-3 + 0.5 + 0.4 + 0.2), sigmoid(-3 + 0.5 + 0.4)
    np.testing.assert_allclose(found.p[0], 1 - (1 - first) * (1 - later) ** np.arange(3), atol=5e-7)


def test_no_end_within_a_year_is_no_chance_to_renew():
    found = chances(by_hand.model(), by_hand.rows([[5, 2], [5, 2], [5, 2]], renewal_in=[np.nan, 400, -5]))
    assert np.isnan(found.renew[:2]).all()
    assert found.renew[2] == pytest.approx(1 - found.p[2, 0], abs=1e-6)


def test_calibration_acts_on_hazards():
    done = Calibration("both", 0.3, 0.5)
    found = chances(by_hand.model(calibration=done), by_hand.rows([[0.0, 2.0]]))
    assert found.p[0, 0] == pytest.approx(sigmoid(0.3 + 0.5 * (-3 + 1.0)), abs=5e-7)


def test_base_rate_leaves_only_the_contract():
    done = Calibration("base_rate", 0.2, 0.0)
    found = chances(by_hand.model(calibration=done), by_hand.rows([[0.0, 2.0], [10.0, 4.0]]))
    np.testing.assert_allclose(found.p[:, 0], sigmoid(-3 + 0.2), atol=5e-7)
    assert not explain(by_hand.model(calibration=done), by_hand.rows([[0.0, 2.0]])).parts.any()


def test_interval_by_hand():
    """One direction that moves every period's logit by a tenth: logit(p90) moves by a tenth of the sum of weights."""
    fitted = by_hand.model(())
    spread = np.zeros((len(fitted.timing.coefs), 1))
    spread[: len(PERIODS)] = 0.1
    fitted = by_hand.replaced_timing(fitted, spread=spread)
    found = chances(fitted, by_hand.rows([[5.0, 2.0]]))
    hazard = sigmoid(-3)
    p90 = 1 - (1 - hazard) ** 3
    half = 1.2815515655446004 * 0.1 * 3 * hazard / p90
    assert found.low90[0] == pytest.approx(sigmoid(logit(p90) - half), abs=1e-6)
    assert found.high90[0] == pytest.approx(sigmoid(logit(p90) + half), abs=1e-6)


def test_parts_of_like_acting_features_have_the_ratio_of_their_curves():
    found = explain(by_hand.model(), by_hand.rows([[2.5, 4.0]]))
    assert found.names == ("usage.level", "satisfaction.nps", TIMING)
    assert found.parts[0, 0] / found.parts[0, 1] == pytest.approx(0.5 / -0.8, rel=1e-5)
    assert found.parts[0, 2] == 0


@settings(deadline=None, max_examples=60)
@given(models(), stacks())
def test_horizons_keep_their_order_and_parts_add_up(fitted, stack):
    found, why = chances(fitted, stack), explain(fitted, stack)
    assert (np.diff(found.leaves, axis=1) >= 0).all()
    assert (np.diff(found.p, axis=1) >= 0).all()
    assert ((found.p > 0) & (found.p < 1)).all()
    assert ((found.low90 <= found.p[:, 2]) & (found.p[:, 2] <= found.high90)).all()
    np.testing.assert_allclose(why.base + why.parts.sum(axis=1), logit(found.p[:, 2]), rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(models(), models(), stacks(), stacks())
def test_changes_add_up_across_models_values_and_missing_data(first, second, a, b):
    found = explain_change(first, a, second, b)
    whole = found.values.sum(axis=1) + found.missing.sum(axis=1) + found.timing + found.model
    np.testing.assert_allclose(found.before + whole, found.after, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.before, logit(chances(first, a).p[:, 2]))
    np.testing.assert_array_equal(found.after, logit(chances(second, b).p[:, 2]))


def test_a_change_is_told_apart_by_kind():
    fitted = by_hand.model()
    other = by_hand.model(calibration=Calibration("intercept", 0.4))
    a = by_hand.rows([[5, 2], [5, 2], [5, 2], [5, 2]])
    b = by_hand.rows([[2, 2], [np.nan, 2], [5, 2], [5, 2]], renewal_in=[np.nan, np.nan, 20, np.nan])
    found = explain_change(fitted, a, fitted, b)
    assert np.flatnonzero(found.values[:, 0]).tolist() == [0]
    assert np.flatnonzero(found.missing[:, 0]).tolist() == [1]
    assert np.flatnonzero(found.timing).tolist() == [2]
    assert not found.model.any()
    renewed = explain_change(fitted, a, other, a)
    assert (renewed.model > 0.3).all()
    assert not renewed.values.any()


def test_a_feature_of_weight_zero_changes_nothing():
    flat = by_hand.curve("usage.level", [0, 10], [0.0, 0.0, 0.0])
    fitted = by_hand.model((flat, by_hand.model().curves[1]))
    a, b = by_hand.rows([[1.0, 3.0]]), by_hand.rows([[np.nan, 3.0]])
    np.testing.assert_array_equal(chances(fitted, a).p, chances(fitted, b).p)
    assert explain(fitted, a).parts[0, 0] == 0
    assert explain_change(fitted, a, fitted, b).missing[0, 0] == 0


def test_rows_do_not_need_all_features_nor_their_order():
    whole = by_hand.rows([[3.0, 1.0]])
    turned = by_hand.rows([[1.0, 3.0, 9.0]], ("satisfaction.nps", "usage.level", "other"))
    np.testing.assert_array_equal(chances(by_hand.model(), whole).p, chances(by_hand.model(), turned).p)
    lacking = by_hand.rows([[1.0]], ("satisfaction.nps",))
    unknown = by_hand.rows([[np.nan, 1.0]])
    np.testing.assert_array_equal(chances(by_hand.model(), lacking).p, chances(by_hand.model(), unknown).p)


def test_no_rows_are_no_error():
    found = chances(by_hand.model(), by_hand.rows(np.zeros((0, 2))))
    assert found.p.shape == (0, 3)
    assert explain(by_hand.model(), by_hand.rows(np.zeros((0, 2)))).parts.shape == (0, 3)


def test_parts_add_up_on_ten_thousand_rows_of_45_features():
    rng = np.random.default_rng(1)
    names = tuple(f"usage.f{at}" for at in range(45))
    curves = [by_hand.curve(name, np.arange(6), rng.normal(size=7) / 5) for name in names]
    stack = by_hand.rows(rng.uniform(0, 5, (10_000, 45)), names, renewal_in=rng.integers(0, 400, 10_000))
    found = chances(by_hand.model(curves), stack)
    why = explain(by_hand.model(curves), stack)
    np.testing.assert_allclose(why.base + why.parts.sum(axis=1), logit(found.p[:, 2]), rtol=0, atol=1e-9)


def test_scoring_loads_numpy_alone():
    code = (
        "import sys; import scoring.engine.churn.explain, scoring.engine.churn.document, scoring.engine.churn.chances;"
        "print(sorted({'scipy', 'sklearn', 'pandas', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
