"""Curves by hand and against statsmodels; Holm by hand; percentiles with n."""

import numpy as np
import pytest

from scoring.engine.validation.survival import compare, holm, kaplan_meier, logrank, logrank_all, percentile

DAYS = np.array([5.0, 8, 8, 12, 15, 20])
LEFT = np.array([True, True, False, True, False, False])


def test_kaplan_meier_by_hand():
    first, second, third = kaplan_meier(DAYS, LEFT)
    assert (first["time"], first["at_risk"], first["events"]) == (5.0, 6, 1)
    assert first["survival"] == pytest.approx(5 / 6)
    assert second["survival"] == pytest.approx(5 / 6 * 4 / 5)
    assert third["survival"] == pytest.approx(5 / 6 * 4 / 5 * 2 / 3)
    # log-log at day 5: exp(+-1.96 sqrt(1/30) / ln(5/6))
    reach = np.exp(1.959964 * np.sqrt(1 / 30) / abs(np.log(5 / 6)))
    assert first["low"] == pytest.approx((5 / 6) ** reach, abs=1e-5)
    assert first["high"] == pytest.approx((5 / 6) ** (1 / reach), abs=1e-5)
    assert kaplan_meier(DAYS, np.zeros(6, dtype=bool)) == []
    assert kaplan_meier(np.ones(2), np.ones(2, dtype=bool))[0]["low"] is None


def test_logrank_by_hand():
    # day 1: 4 of 4 + 4 at risk, one of the first leaves; day 2: 3 + 4, one of the second; day 3: 3 + 3, of the first
    one = (np.array([1.0, 3, 9, 9]), np.array([True, True, False, False]))
    two = (np.array([2.0, 9, 9, 9]), np.array([True, False, False, False]))
    expected = 4 / 8 + 3 / 7 + 3 / 6
    variance = 16 / 64 + 12 / 49 + 9 / 36
    found = logrank(one, two)
    assert found["observed"] == 2
    assert found["expected"] == pytest.approx(expected)
    assert found["chi_square"] == pytest.approx((2 - expected) ** 2 / variance)


def test_logrank_of_three_by_hand():
    # 10 each. Day 1: six of a leave, of 10 + 10 + 10; day 2: six of b, of 4 + 10 + 10; day 3: six of c, of 4 + 4 + 10
    cohorts = {
        name: (np.array([float(day)] * 6 + [9.0] * 4), np.array([True] * 6 + [False] * 4))
        for day, name in enumerate("abc", start=1)
    }
    wanted = {"a": 2 + 1 + 4 / 3, "b": 2 + 2.5 + 4 / 3, "c": 2 + 2.5 + 10 / 3}
    assert (
        wanted["a"] < 5
    )  # too few are expected of a; of b and c alone then 3 + 24 / 14 of b: too few as well
    assert logrank_all(cohorts) is None

    twice = {name: (np.tile(days, 2), np.tile(left, 2)) for name, (days, left) in cohorts.items()}
    few = {"few": (np.full(3, 9.0), np.zeros(3, dtype=bool))}
    found = logrank_all({**twice, **few})
    assert (found["left_out"], found["df"]) == (["few"], 2)
    assert {each["name"]: each["expected"] for each in found["cohorts"]} == pytest.approx(
        {name: 2 * each for name, each in wanted.items()}
    )
    # the covariance of a and b by hand: d (n - d) / (n - 1) x share x (1 - share), and minus the shares' product
    days = [(20, 20, 20), (8, 20, 20), (8, 8, 20)]
    weights = [12 * (sum(each) - 12) / (sum(each) - 1) for each in days]
    shares = [np.array(each) / sum(each) for each in days]
    spread = sum(w * (np.diag(s) - np.outer(s, s)) for w, s in zip(weights, shares, strict=True))[:2, :2]
    gap = np.array([12 - 2 * wanted["a"], 12 - 2 * wanted["b"]])
    assert found["chi_square"] == pytest.approx(gap @ np.linalg.inv(spread) @ gap)


def test_nothing_is_tested_with_one_cohort_or_without_leavers():
    nobody = (np.arange(1.0, 41), np.zeros(40, dtype=bool))
    assert logrank_all({"a": nobody, "b": nobody}) is None
    assert logrank_all({"a": (DAYS, LEFT)}) is None
    assert logrank_all({}) is None


def test_agrees_with_statsmodels():
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff

    rng = np.random.default_rng(1)
    days = np.ceil(rng.exponential(100, size=200))
    left = rng.random(200) < 0.6
    group = rng.integers(2, size=200)
    theirs = SurvfuncRight(days, left.astype(float))
    assert [each["survival"] for each in kaplan_meier(days, left)] == pytest.approx(list(theirs.surv_prob))
    chi, p = survdiff(days, left.astype(float), group)
    ours = logrank(*((days[group == at], left[group == at]) for at in (0, 1)))
    assert (ours["chi_square"], ours["p"]) == pytest.approx((chi, p))
    groups = rng.integers(4, size=200)
    chi, p = survdiff(days, left.astype(float), groups)
    of_four = logrank_all({str(at): (days[groups == at], left[groups == at]) for at in range(4)})
    assert (of_four["chi_square"], of_four["p"], of_four["df"]) == (pytest.approx(chi), pytest.approx(p), 3)


def test_holm_by_hand_and_small_cohorts_are_left_out():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    rng = np.random.default_rng(2)
    cohorts = {
        name: (np.ceil(rng.exponential(mean, size=n)), np.ones(n, dtype=bool))
        for name, mean, n in (("a", 50, 80), ("b", 200, 80), ("c", 50, 80), ("few", 50, 5))
    }
    rows = compare(cohorts)
    assert [(each["one"], each["two"]) for each in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert rows[0]["p_holm"] < 0.001
    assert rows[1]["p_holm"] > 0.05
    assert all(each["p_holm"] >= each["p"] for each in rows)


def test_percentiles():
    peers = np.r_[np.arange(20.0), np.nan]
    found = percentile(5.0, peers)
    assert (found["n"], found["percentile"]) == (20, pytest.approx(100 * 5.5 / 20))
    assert found["low"] < 27.5 < found["high"]
    assert percentile(5.0, np.arange(9.0))["hidden"]
    assert percentile(float("nan"), peers)["hidden"]
