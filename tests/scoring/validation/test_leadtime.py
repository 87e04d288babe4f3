"""Days of warning by hand: two scorings up, two down, notice, who counts, and precision beside it."""

import numpy as np
import pytest

from scoring.engine.validation.leadtime import Leavers, flags, lead_time

WEEKS = np.arange(20) * 7
UP, DOWN = 0.5, 0.1


def scored(*series):
    """Weekly chances of accounts 0, 1, ...: a string of u (up), d (down), m (between), - (not scored)."""
    chance = {"u": UP, "d": DOWN, "m": 0.35, "-": np.nan}
    p = np.array([[chance[each] for each in one] for one in series])
    account = np.repeat(np.arange(len(series)), p.shape[1])
    day = np.tile(WEEKS[: p.shape[1]], len(series))
    return account, day, p.ravel()


def leavers(*rows):
    account, left, notice, seen = (np.array(each, dtype=float) for each in zip(*rows, strict=True))
    return Leavers(account.astype(int), left, notice, seen)


def test_a_flag_needs_two_up_and_two_down():
    account, day, p = scored("uduudmuddu", "u-umdmddmm")
    state = flags(account, day, p, on=0.4, off=0.3)
    drawn = ["".join(".x"[int(each)] for each in row) for row in state.on]
    assert drawn == ["...xxxxx..", "..xxxxx..."]


def test_lead_times_of_five_leavers_by_hand():
    account, day, p = scored(
        "dduuuuuuuuuuuuuuuuuu",  # up at week 3 (day 21), left on day 120: 99 days
        "dddddddddduuuuuuuuuu",  # up at day 77, notice on day 100: 23 days
        "dddddddddddddddddddd",  # never: 0
        "uuuudddddddddddddddd",  # withdrawn: 0
        "uuuuuuuuuuuuuuuuuuuu",  # left at day 50, seen for 50 days only: not counted
        "uuuuuuuuuuuuuuuuuuuu",  # stays
    )
    left = leavers(
        (0, 120, np.nan, 0), (1, 190, 100, 0), (2, 130, np.nan, 0), (3, 110, np.nan, 0), (4, 50, np.nan, 0)
    )
    found = lead_time(account, day, p, left, threshold=0.4, off=0.3, horizon=30, until=133)
    assert (found["left"], found["denominator"], found["too_young"]) == (5, 4, 1)
    assert (found["never_flagged"], found["withdrawn"], found["by_notice"]) == (1, 1, 1)
    assert found["share"]["value"] == 0.25
    assert found["median"]["value"] == pytest.approx((0 + 23) / 2)
    # five rises: account 1 within 30 days of day 77 (notice 100); 0, 3, 5 not; account 4 at day 7, end 50: not
    assert found["precision"]["n"] == 5
    assert found["precision"]["events"] == 1


def test_notice_takes_the_free_days_away():
    account, day, p = scored("dddddduuuuuuuuuuuuuu")
    late, early = (
        lead_time(account, day, p, leavers((0, 130, notice, 0)), threshold=0.4) for notice in (np.nan, 70)
    )
    assert late["median"]["value"] == 130 - 49
    assert early["median"]["value"] == 70 - 49


def test_flagging_everybody_shows_in_precision():
    account, day, p = scored(*["u" * 20] * 50)
    found = lead_time(account, day, p, leavers((0, 130, np.nan, 0)), threshold=0.4, horizon=90)
    assert found["share"]["value"] == 1.0
    assert found["precision"]["value"] == 0.0  # left 123 days after the flag


def test_nobody_left():
    account, day, p = scored("u" * 20)
    empty = Leavers(np.array([], dtype=int), *(np.array([]) for _ in range(3)))
    found = lead_time(account, day, p, empty, threshold=0.4)
    assert found["share"]["value"] is None
    assert found["median"]["value"] is None
