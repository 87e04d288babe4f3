"""The judge's own figures, against values computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .judge import (
    Truth,
    auc,
    brier,
    brier_skill,
    calibration_error,
    correlation,
    judge,
    order_violations,
    read_truth,
    skill_interval,
)

P = np.array([0.1, 0.4, 0.4, 0.8])
LEFT = np.array([0.0, 0.0, 1.0, 1.0])


def test_auc_counts_pairs() -> None:
    # pairs (leaver, stayer): .4 against .1 and .4: 1 + 1/2; .8 against .1 and .4: 2; of four
    assert auc(P, LEFT) == 3.5 / 4
    assert auc(1 - P, LEFT) == 0.5 / 4
    assert auc(np.full(4, 0.2), LEFT) == 0.5
    assert np.isnan(auc(P, np.zeros(4)))


def test_brier_and_its_skill() -> None:
    # squares: .01, .16, .36, .04 make .57; everybody at the rate .5: .25
    assert brier(P, LEFT) == pytest.approx(0.57 / 4)
    assert brier_skill(P, LEFT) == pytest.approx(1 - (0.57 / 4) / 0.25)
    assert brier_skill(np.full(4, 0.5), LEFT) == 0.0
    # against .2: (.04 + .04 + .64 + .64) / 4 = .34
    assert brier_skill(P, LEFT, base=0.2) == pytest.approx(1 - (0.57 / 4) / 0.34)
    assert np.isnan(brier_skill(P, np.zeros(4)))


def test_calibration_error_over_equal_counts() -> None:
    p = np.array([0.9, 0.1, 0.2, 0.6])
    left = np.array([1.0, 0.0, 1.0, 0.0])
    # bins: (.1, .2) mean .15, rate .5; (.6, .9) mean .75, rate .5: half of .35 and half of .25
    error, table = calibration_error(p, left, bins=2)
    assert error == pytest.approx(0.30)
    assert table == [
        {"n": 2, "mean_p": pytest.approx(0.15), "rate": 0.5},
        {"n": 2, "mean_p": pytest.approx(0.75), "rate": 0.5},
    ]


def test_equal_chances_share_a_bin() -> None:
    p = np.array([0.1, 0.3, 0.3, 0.3, 0.3, 0.7])
    left = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    error, table = calibration_error(p, left, bins=3)
    assert [row["n"] for row in table] == [1, 5]  # the cuts at 2 and 4 both fall to where .3 begins
    assert error == pytest.approx(1 / 6 * 0.1 + 5 / 6 * abs(1.9 / 5 - 3 / 5))
    constant, table = calibration_error(np.full(6, 0.4), left, bins=3)
    assert (len(table), constant) == (1, pytest.approx(0.1))


def test_calibration_error_of_more_bins_than_rows() -> None:
    error, table = calibration_error(np.array([0.2, 0.6]), np.array([0.0, 1.0]), bins=10)
    assert error == pytest.approx(0.3)
    assert sum(row["n"] for row in table) == 2


def test_correlation() -> None:
    one, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])
    assert correlation(one, other) == pytest.approx(0.5)
    assert np.isnan(correlation(one, np.ones(3)))


def test_order_violations() -> None:
    p30, p60, p90 = (
        np.array([0.1, 0.3, 0.1, 0.2]),
        np.array([0.2, 0.2, 0.3, 0.2]),
        np.array([0.3, 0.4, 0.2, 0.2]),
    )
    assert order_violations(p30, p60, p90) == 2


def test_the_interval_of_the_skill_draws_accounts() -> None:
    rng = np.random.default_rng(3)
    account = np.repeat(np.arange(300), 4)
    true = np.repeat(rng.uniform(0.02, 0.6, 300), 4)
    left = (rng.random(1_200) < true).astype(float)
    low, high = skill_interval(true, left, account, draws=300)
    assert 0 < low < brier_skill(true, left) < high
    # the same rows ten times over, but the same accounts: no more is known, so it must not become narrower
    wide = skill_interval(np.tile(true, 10), np.tile(left, 10), np.tile(account, 10), draws=300)
    assert wide == pytest.approx((low, high))
    # as accounts of their own they would seem to tell more
    loose = skill_interval(np.tile(true, 10), np.tile(left, 10), np.arange(12_000), draws=300)
    assert loose[1] - loose[0] < 0.6 * (high - low)
    known = skill_interval(np.full(1_200, 0.2), left, account, draws=300, base=0.2)
    assert known == pytest.approx((0.0, 0.0), abs=1e-12)  # who says the known rate has no skill, whoever left
    assert skill_interval(true, left, account, draws=300, base=0.2)[0] > low
    low, high = skill_interval(np.full(1_200, left.mean()), left, account, draws=300)
    assert low <= 0 <= high + 1e-9


def test_judging_joins_by_account_and_day() -> None:
    rows = pl.DataFrame(
        {
            "account_external_id": ["A", "B", "C", "A"],
            "as_of": ["2026-01-01", "2026-01-01", "2026-01-01", "2026-01-31"],
            "p30": [0.1, 0.2, 0.3, 0.2], "p60": [0.2, 0.3, 0.4, 0.3], "p90": [0.3, 0.4, 0.6, 0.4],
            "left_30": [0, 0, 1, 0], "left_60": [0, 1, 1, None], "left_90": [0, 1, 1, None],
        }
    )  # fmt: skip
    given = rows.select("account_external_id", "as_of", "p30", "p60", "p90").reverse()
    report = judge(given, Truth(rows, {}), bins=2, draws=50)
    assert (report["rows"], report["order_violations"]) == (4, 0)
    assert (report["30"]["n"], report["60"]["n"], report["60"]["leavers"]) == (4, 3, 2)
    assert report["60"]["auc"] == report["60"]["auc_of_the_truth"] == 1.0
    assert report["90"]["brier"] == pytest.approx((0.09 + 0.36 + 0.16) / 3)
    assert report["90"]["correlation_with_truth"] == pytest.approx(1.0)
    assert report["90"]["largest"] == 0.6
    with pytest.raises(ValueError, match="twice"):
        judge(pl.concat([given, given]), Truth(rows, {}))
    with pytest.raises(ValueError, match="1 of 4 rows"):
        judge(given.with_columns(pl.col("as_of").str.replace("2026-01-31", "2026-02-01")), Truth(rows, {}))


def test_the_truth_judges_itself_well(tmp_path: Path) -> None:
    import datetime

    from integrations.simulation import simulate, truth_folder

    folder = tmp_path / "b"
    end = datetime.date(2026, 3, 31)
    simulate(folder, accounts=900, days=400, seed=23, end=end, world="usage_driven")
    truth = read_truth(truth_folder(folder))
    report = judge(truth.rows.select("account_external_id", "as_of", "p30", "p60", "p90"), truth)
    assert report["order_violations"] == 0
    for horizon in ("30", "60", "90"):
        figures = report[horizon]
        assert figures["correlation_with_truth"] == pytest.approx(1.0)
        assert figures["ece"] < 0.03
    assert 0.78 < report["90"]["auc"] < 0.94
    assert report["90"]["skill_interval_95"][0] > 0
