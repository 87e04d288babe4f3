"""Gates name their figure; levels move only when it is meant."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.validation.gates import CUTS, gates, risk_level

LIMITS = {
    "months_in_shadow": {"least": 3, "words": "Months in shadow", "unit": "months"},
    "precision": {"least": 0.8, "words": "Precision", "unit": "%", "use": "low"},
    "slope": {"least": 0.8, "most": 1.25, "words": "Calibration slope"},
}


def test_rows_say_what_was_needed_and_found():
    rows = gates({"months_in_shadow": 2, "precision": {"value": 0.85, "low": 0.78}, "slope": 1.1}, LIMITS)
    assert [(each["key"], each["passed"]) for each in rows] == [
        ("months_in_shadow", False),
        ("precision", False),  # its lower end is asked for
        ("slope", True),
    ]
    assert rows[0]["words"] == "Months in shadow: 2 months, at least 3 months needed."
    assert rows[1]["words"] == "Precision: 78 %, at least 80 % needed."
    assert rows[2]["needed"] == "at least 0.8 and at most 1.25"


def test_a_missing_figure_fails():
    rows = gates({"precision": None, "slope": {"value": float("nan")}}, LIMITS)
    assert [each["passed"] for each in rows] == [False] * 3
    assert rows[0]["words"].startswith("Months in shadow: not known yet")


def walk(*chances, cuts=CUTS):
    level, pending, seen = np.array([-1]), np.array([-1]), []
    for each in chances:
        level, pending = risk_level(np.array([each]), cuts, level, pending)
        seen.append(int(level[0]))
    return seen


def test_a_level_cannot_change_before_its_cut():
    none = np.array([-1])
    with pytest.raises(ValueError, match="below zero"):
        risk_level(np.array([0.27]), (0.1, 0.3, 0.6), none, none, margin=-0.05)


def test_levels_cross_after_two_scorings_or_by_a_margin():
    assert walk(0.05) == [0]  # the first is plain
    assert walk(0.09, 0.11, 0.09, 0.11, 0.09) == [0, 0, 0, 0, 0]  # flutter
    assert walk(0.09, 0.11, 0.12) == [0, 0, 1]
    assert walk(0.09, 0.16) == [0, 1]  # margin
    assert walk(0.09, 0.32, 0.20) == [0, 1, 1]  # sure of medium at once, of high not
    assert walk(0.09, 0.32, 0.33) == [0, 1, 2]
    assert walk(0.70, 0.58, 0.59) == [3, 3, 2]
    assert walk(0.70, 0.04) == [3, 0]
    assert walk(0.70, np.nan, 0.05) == [3, -1, 0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_two_equal_scorings_always_settle_and_moves_never_overshoot(chances):
    level, pending = np.array([-1]), np.array([-1])
    for each in chances:
        before = int(level[0])
        level, pending = risk_level(np.array([each]), CUTS, level, pending)
        plain = int(np.searchsorted(CUTS, each, side="right"))
        if before >= 0:
            assert min(before, plain) <= level[0] <= max(before, plain)
    for _ in range(2):
        level, pending = risk_level(np.array([chances[-1]]), CUTS, level, pending)
    assert level[0] == np.searchsorted(CUTS, chances[-1], side="right")
    assert pending[0] == -1
