"""Splits by time and account: nothing of the future, nobody twice, and words when there are too few."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.validation import fold_of, known_at, origins, outcome
from tests.scoring.validation.worlds import observed

MONTHLY = np.arange(24) * 30


@given(
    st.lists(st.integers(0, 900), min_size=1, max_size=40),
    st.sampled_from([30, 60, 90]),
    st.integers(1, 12),
)
@settings(max_examples=60, deadline=None)
def test_no_window_reaches_into_the_part_that_follows(days, horizon, at_most):
    found = origins(np.array(days), horizon=horizon, at_most=at_most)
    assert len(found) <= at_most
    assert [each.day for each in found] == sorted({each.day for each in found})
    for each in found:
        assert max(each.train) + horizon <= each.trained_at == min(each.calibrate)
        assert max(each.calibrate) + horizon <= each.day
    assert bool(found.why) == (len(found) < 4)


def test_two_years_of_months_give_origins_and_the_newest_is_kept():
    found = origins(MONTHLY, horizon=90, at_most=6)
    assert len(found) == 6
    assert found.why == ""
    assert found[-1].day == 690
    assert found[-1].calibrate == (540, 570, 600)
    assert found[-1].train == tuple(range(0, 451, 30))


def test_open_windows_do_not_judge():
    assert origins(MONTHLY, horizon=90, until=700)[-1].day == 600  # 610 is no landmark, 630 + 90 > 700


def test_too_few_say_which_figure_fails():
    found = origins(np.arange(8) * 30, horizon=90)
    assert [each.day for each in found] == [180, 210]
    assert found.why.startswith("2 of the 4 back-test dates that are needed: 8 past days over 210 days")
    assert "180 days after the first" in found.why
    assert "no past day" in origins(np.array([], dtype=int), horizon=90).why


def test_parts_keep_accounts_apart_and_judge_everybody_once():
    account = np.tile(np.arange(200), MONTHLY.size)
    day = np.repeat(MONTHLY, 200)
    origin = origins(MONTHLY, horizon=90)[-1]
    judged = np.zeros(account.size, dtype=int)
    for part in origin.parts(day, account, folds=4):
        assert not set(account[part.test]) & set(account[part.train | part.calibrate])
        assert part.train.any()
        assert part.calibrate.any()
        judged += part.test
    assert (judged == (day == origin.day)).all()
    (whole,) = origin.parts(day, account, folds=1)
    assert whole.test.sum() == 200


def test_folds_are_even_and_do_not_depend_on_who_else_is_there():
    every = fold_of(np.arange(10_000), folds=5)
    assert np.bincount(every).min() > 1900
    assert (fold_of(np.array([7, 4000]), folds=5) == every[[7, 4000]]).all()


def test_an_open_window_is_censored_for_leavers_too():
    # day 0 is seen for 100 days, day 60 for 40: its leaver at 10 does not count for 90 days
    rows = observed([10.0, np.inf, 10.0, np.inf], day=[0, 0, 60, 60], seen=[10, 100, 10, 40])
    known, left = outcome(rows, 90)
    assert known.tolist() == [True, True, False, False]
    assert left.tolist() == [True, False, True, False]
    assert outcome(rows, 30)[0].all()


def test_what_was_known_then_has_no_later_leaving():
    rows = observed([10.0, 45.0, np.inf], day=[100, 100, 100], seen=300)
    then = known_at(rows, 140)
    assert then.leaves_in.tolist() == [10.0, np.inf, np.inf]
    assert then.seen_for.tolist() == [40.0, 40.0, 40.0]
    assert rows.leaves_in[1] == 45.0
