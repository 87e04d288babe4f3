"""The maths alone: curves, missing values, contributions that add up, bands, and that order of rows cannot matter."""

import random
from decimal import Decimal

import numpy as np
import pytest

from scoring.catalogue import INDICATORS, SOURCES, Dimension
from scoring.engine import health as engine
from scoring.engine.values import FORMULAS, NEWEST
from scoring.rounding import add_up


def policy(weights, *, neutral=False, coverage=50, curves=None, cuts=(40, 60, 75)):
    straight = (np.array([0.0, 100.0]), np.array([0.0, 100.0]))
    return engine.Policy(
        weights=np.array(weights, dtype=np.int64) * 100,
        curves=tuple(curves or [straight] * len(weights)),
        neutral_when_missing=neutral,
        min_coverage=coverage * 100,
        cuts=tuple(cut * 100 for cut in cuts),
    )


def table(*rows):
    return np.array([[np.nan if each is None else each for each in row] for row in rows], dtype=float)


def test_the_catalogue_and_the_formulas_name_the_same_indicators():
    assert [each.key for each in INDICATORS] == list(FORMULAS)
    assert len(INDICATORS) >= 14
    assert {each.dimension for each in INDICATORS} == set(Dimension)
    assert set(NEWEST) <= set(FORMULAS)


def test_default_weights_add_up_to_100_and_curves_are_sound():
    assert sum(Decimal(str(each.weight)) for each in INDICATORS) == 100
    for each in INDICATORS:
        assert list(each.xs) == sorted(set(each.xs)), each.key
        assert len(each.xs) == len(each.ys) >= 2, each.key
        falling = list(each.ys) == sorted(each.ys, reverse=True)
        rising = list(each.ys) == sorted(each.ys)
        assert rising if each.higher_is_better else falling, each.key
        assert set(each.sources) <= set(SOURCES)
        assert each.key.startswith(f"{each.dimension}.")


def test_a_curve_is_linear_between_its_points_and_flat_beyond():
    xs, ys = np.array([-0.5, 0.0, 0.1]), np.array([0.0, 85.0, 100.0])
    scores = engine.on_curve(np.array([-2.0, -0.25, 0.05, 3.0, np.nan]), xs, ys)
    assert scores.tolist() == [0, 4250, 9250, 10000, -1]


def test_health_is_the_weighted_mean_to_two_decimals():
    found = engine.compute(table([40, 70, 100]), policy([50, 30, 20]))
    assert found.health.tolist() == [6100]  # 20 + 21 + 20
    assert found.points.tolist() == [[2000, 2100, 2000]]
    assert found.lost.tolist() == [[3000, 900, 0]]


def test_a_missing_value_leaves_its_weight_to_the_others():
    found = engine.compute(table([40, None, 100]), policy([50, 30, 20]))
    assert found.coverage.tolist() == [7000]
    assert found.health.tolist() == [5714]  # (50 * 40 + 20 * 100) / 70
    assert found.points.tolist() == [[2857, 0, 2857]]


def test_a_missing_value_may_count_as_50():
    found = engine.compute(table([40, None, 100]), policy([50, 30, 20], neutral=True))
    assert found.health.tolist() == [5500]
    assert found.points.tolist() == [[2000, 1500, 2000]]
    assert found.coverage.tolist() == [7000]


def test_below_the_least_coverage_there_is_no_health():
    found = engine.compute(table([None, 90, 90], [90, None, None]), policy([51, 30, 19]))
    assert (found.health[0], found.band[0], found.points[0].sum()) == (engine.UNKNOWN, -1, 0)
    assert (found.health[1], found.coverage[1]) == (9000, 5100)


def test_no_value_at_all_is_unknown_even_without_a_least_coverage():
    for neutral in (False, True):
        found = engine.compute(table([None, None]), policy([50, 50], coverage=0, neutral=neutral))
        assert found.health.tolist() == [engine.UNKNOWN]


def test_bands_are_half_open():
    values = table([39.99], [40], [59.99], [60], [74.99], [75], [0], [100])
    assert engine.compute(values, policy([100])).band.tolist() == [0, 1, 1, 2, 2, 3, 0, 3]


def test_an_indicator_without_weight_changes_nothing():
    values = table([40, 70, 100])
    without = engine.compute(values, policy([60, 40, 0]))
    values[0, 2] = 3
    changed = engine.compute(values, policy([60, 40, 0]))
    assert without.health.tolist() == changed.health.tolist()
    assert without.points.tolist() == changed.points.tolist()


def random_case(seed, rows=400, columns=23):
    chance = np.random.default_rng(seed)
    values = chance.uniform(0, 100, (rows, columns))
    values[chance.random((rows, columns)) < 0.3] = np.nan
    weights = chance.integers(0, 12, columns)
    weights[0] += 100 - weights.sum() if weights.sum() < 100 else 0
    return values, policy(weights, neutral=bool(seed % 2))


@pytest.mark.parametrize("seed", range(8))
def test_contributions_always_add_up_exactly(seed):
    values, chosen = random_case(seed)
    found = engine.compute(values, chosen)
    known = found.health >= 0
    assert known.any()
    assert (found.points.sum(axis=1)[known] == found.health[known]).all()
    assert (found.lost.sum(axis=1)[known] == 10000 - found.health[known]).all()
    assert (found.points >= 0).all()
    assert (found.points.sum(axis=1)[~known] == 0).all()


def test_the_order_of_accounts_changes_no_figure():
    values, chosen = random_case(3)
    order = np.random.default_rng(9).permutation(len(values))
    straight, shuffled = engine.compute(values, chosen), engine.compute(values[order], chosen)
    for name in straight.__dataclass_fields__:
        assert (getattr(straight, name)[order] == getattr(shuffled, name)).all(), name


def test_shown_numbers_add_up_to_the_shown_total():
    assert add_up([12.36, 8.4, 6.24], 27) == [12, 9, 6]
    assert add_up([-7.8, -2.1, 0.3], -10) == [-8, -2, 0]
    chance = random.Random(5)
    for _ in range(500):
        parts = [round(chance.uniform(-20, 20), 2) for _ in range(6)]
        total = round(sum(parts))
        shown = add_up(parts, total)
        assert sum(shown) == total
        assert all(abs(whole - part) < 1 for whole, part in zip(shown, parts, strict=True))


def test_words_agree_with_the_value():
    say = {each.key: each.say for each in INDICATORS}
    assert say["usage.trend_30d"](-0.379) == "Usage down 38% against the 60 days before"
    assert say["usage.trend_30d"](0.05) == "Usage up 5% against the 60 days before"
    assert say["usage.days_since_last"](1) == "Last used 1 day ago"
    assert say["satisfaction.open_escalations"](2) == "2 escalated tickets open"
    assert say["business.days_to_renewal"](-8) == "The last term ran out 8 days ago"
    assert say["business.overdue_days"](0) == "No invoice is overdue"
