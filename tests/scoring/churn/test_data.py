"""Which periods count, what the contract says about each, and rows that stand for others."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.engine.churn import timing
from scoring.engine.churn.data import SHOWN, check, columns, in_order, leavers, outcomes, take, thinned

from . import by_hand
from .truth import World, draw


def column(design, name, row=0):
    return design[row, :, timing.COLUMNS.index(name)].tolist()


def contract(renewal_in, term=365.0, auto=np.nan):
    return timing.design(np.array([renewal_in], float), np.array([term], float), np.array([auto]))


def test_a_period_counts_when_all_of_it_was_seen():
    stack = by_hand.rows([[1, 1]] * 4)
    stack = replace(
        stack,
        leaves_in=np.array([np.inf, 45.0, 29.0, 200.0]),
        seen_for=np.array([89.0, 365.0, 30.0, 60.0]),
    )
    found = outcomes(stack)
    assert found.counts.astype(int).tolist() == [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
    ]
    assert np.argwhere(found.leaves).tolist() == [[1, 1], [2, 0]]
    assert leavers(stack) == 2


def test_what_was_known_before_a_day():
    stack = by_hand.rows([[1, 1]])
    assert outcomes(stack, before=20_060).counts[0].tolist() == [True, True, False, False, False, False]


def test_a_term_that_ends_in_a_period():
    design = contract(75)
    assert column(design, "term.ends") == [0, 0, 1, 0, 0, 0]
    assert column(design, "term.ends_where") == [0, 0, 0, 0, 0, 0]
    assert column(design, "term.notice_60") == [1, 1, 0, 0, 0, 0]
    assert column(contract(62), "term.just_ended") == [0, 0, 0, 1, 0, 0]


def test_a_term_that_has_ended_comes_again_after_its_length():
    design = contract(-10)
    assert column(design, "term.overdue") == [1, 0, 0, 0, 0, 0]
    assert column(design, "term.ends") == [0, 0, 0, 0, 0, 1]
    assert column(design, "term.ends_again") == [0, 0, 0, 0, 0, 0]


def test_a_monthly_term_ends_in_every_period():
    assert column(contract(10, 30), "term.ends") == [1] * 6
    assert column(contract(10, 30), "term.ends_again") == [0, 1, 1, 1, 1, 1]
    assert column(contract(10, 91.25), "term.ends_short")[0] == 2


def test_no_term_is_a_case_of_its_own():
    design = contract(np.nan)
    assert column(design, "term.none") == [1] * 6
    assert not any(any(column(design, name)) for name in timing.TERM_COLUMNS if name != "term.none")


def test_whether_it_renews_by_itself_acts_at_the_end():
    assert column(contract(75, auto=1.0), "term.ends_auto") == [0, 0, 1, 0, 0, 0]
    assert column(contract(75), "term.ends_auto") == [0, 0, 0.5, 0, 0, 0]


def test_thinned_rows_stand_for_all():
    stack = draw(World(seed=3))
    some = thinned(stack, 1500, seed=1)
    assert len(some) < len(stack) / 2
    whole, left = outcomes(stack).leaves, outcomes(some).leaves
    assert left[:, :SHOWN].sum() == whole[:, :SHOWN].sum()
    later = (left[:, SHOWN:] * some.weights[:, None]).sum()
    assert later == pytest.approx(whole[:, SHOWN:].sum(), rel=0.15)
    assert some.weights.sum() == pytest.approx(len(stack), rel=0.03)
    shuffled = take(stack, np.random.default_rng(0).permutation(len(stack)))
    np.testing.assert_array_equal(in_order(thinned(shuffled, 1500, seed=1)).day, in_order(some).day)


def test_a_feature_that_is_not_there_has_no_values():
    found = columns(by_hand.rows([[1, 2]]), ("satisfaction.nps", "other"))
    np.testing.assert_array_equal(found, [[2.0, np.nan]])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"day": np.zeros(3, np.int64)}, "day has 3 rows"),
        ({"names": ("one",)}, "x is"),
        ({"leaves_in": np.array([-1.0, np.inf])}, "leaves_in"),
        ({"leaves_in": np.array([10.0, np.inf]), "seen_for": np.array([10.0, 90.0])}, "seen_for"),
    ],
)
def test_what_cannot_be_learned_from_is_named(changes, says):
    with pytest.raises(ValueError, match=says):
        check(replace(by_hand.rows([[1, 1], [2, 2]]), **changes))
