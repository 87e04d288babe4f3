"""Replays worked out by hand: arrays first, then stored snapshots under a draft policy and under thresholds."""

import numpy as np
import pytest

from scoring.learning.levels import levels
from scoring.learning.replay import ABSENT, CALM, FLAGGED, SILENT, Past, alerts, figures, find_gone, warning

F, C, S, N = FLAGGED, CALM, SILENT, ABSENT
DAYS = np.arange(1000, 1000 + 10 * 28, 28)  # ten scorings, four weeks apart
UNTIL = int(DAYS[-1])
#            1000 1028 1056 1084 1112 1140 1168 1196 1224 1252
STATES = [
    [C, F, F, F, F, F, N, N, N, N],  # left on 1150: flag up on 1056, 94 days before
    [C, C, C, C, F, F, F, N, N, N],  # notice on 1170, left on 1190: up on 1140, 30 days before the notice
    [F, C, F, C, F, C, F, C, F, C],  # never two running
    [F, F, S, C, C, C, C, C, C, C],  # up on 1028, down on 1112; stays: a false alarm
    [C, C, C, C, C, C, F, F, F, F],  # up on 1196, whose 90 days are not over
    [N, N, N, N, N, C, F, F, N, N],  # left on 1200: scored for 60 days, up on 1196, 4 days before
]
ARR = [100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0]
OWNER = [0, 0, 1, 1, 1, -1]


def past():
    return Past(
        np.arange(10, 16),
        DAYS,
        np.where(np.array(STATES) == N, np.nan, np.array(ARR)[:, None]),
        np.array(OWNER),
    )


def gone(states):
    account, left = np.array([10, 11, 15, 99]), np.array([1150.0, 1190, 1200, 1100])
    notice = np.array([np.nan, 1170, np.nan, np.nan])
    return find_gone(past(), states, account=account, left=left, notice=notice, until=UNTIL)


def test_a_replay_by_hand():
    states = np.array(STATES)
    told, left = alerts(past(), states), gone(np.array(STATES))
    assert left.row.tolist() == [0, 1, 5]  # 99 was never scored
    assert warning(past(), told, left).tolist() == [94, 30, 4]
    found = figures(past(), states, told, left, until=UNTIL)
    assert (found["caught"]["events"], found["caught"]["n"]) == (2, 3)
    assert (found["early"]["events"], found["early"]["n"]) == (1, 3)
    assert found["lead_median"] == 30
    # flags up on 1056 (left after 94 days: too late to be right), 1140 (left in 50), 1028 (stays); the others are open
    assert (found["false"]["events"], found["false"]["n"]) == (2, 3)
    assert found["false_arr"] == 900
    assert found["alerts"] == 5
    assert found["per_csm_week"] == pytest.approx(5 / (2 * 36))
    assert (found["caught_arr"], found["missed_arr"]) == (300, 3200)


def test_shares_carry_wilsons_interval():
    states = np.array(STATES)
    share = figures(past(), states, alerts(past(), states), gone(states), until=UNTIL)["caught"]
    # 2 of 3: centre (2/3 + 1.9207/3) / (1 + 3.8415/3), half width 1.96 * sqrt(2/27 + 3.8415/36) / 2.2805
    assert share["low"] == pytest.approx(0.2077, abs=1e-4)
    assert share["high"] == pytest.approx(0.9385, abs=1e-4)


def test_a_scoring_that_says_nothing_changes_nothing():
    told = alerts(past(), np.array([[F, S, F, C, S, C, C, C, C, C]] + [[C] * 10] * 5))
    assert told.on[0].tolist() == [False, False, True, True, True, False, False, False, False, False]
    assert np.flatnonzero(told.raised[0]).tolist() == [2]


def test_a_csm_gets_the_largest_of_a_week_and_the_rest_reach_nobody():
    states = np.array([[F, F] + [C] * 8, [F, F] + [C] * 8, [F, F] + [C] * 8] + [[C] * 10] * 3)
    told = alerts(past(), states, a_week=1)
    assert told.raised.sum() == 3
    assert told.kept.any(axis=1).tolist() == [
        False,
        True,
        True,
        False,
        False,
        False,
    ]  # of 100 and 200; of another CSM
    left = find_gone(
        past(), states, account=np.array([10, 11]), left=np.array([1070.0, 1070]),
        notice=np.array([np.nan, np.nan]), until=UNTIL,
    )  # fmt: skip
    assert warning(past(), told, left).tolist() == [0, 42]


def test_levels_of_the_past_by_hand():
    """Cuts .1, .3, .6: beyond the margin at once, else with the second scoring; a day without a chance says nothing."""
    nan = np.nan
    p90 = np.array([
        [0.05, 0.31, 0.31, 0.29, 0.29],
        [0.05, 0.31, 0.05, 0.05, 0.05],
        [nan, 0.45, nan, 0.05, nan],
    ])  # fmt: skip
    cuts = (0.1, 0.3, 0.6)
    assert levels(p90, cuts, margin=0.02).tolist() == [[0, 1, 2, 2, 1], [0, 1, 0, 0, 0], [-1, 2, 2, 0, 0]]
    assert levels(p90, cuts, margin=0.005).tolist() == [[0, 2, 2, 1, 1], [0, 2, 0, 0, 0], [-1, 2, 2, 0, 0]]
