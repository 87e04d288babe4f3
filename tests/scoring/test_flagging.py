"""One rule of flags: by hand, and the same days of warning wherever they are counted."""

import itertools
from datetime import date, timedelta

import numpy as np
import pytest

from scoring.engine.validation.leadtime import Leavers, flags, lead_time
from scoring.flagging import LOWER, standing
from scoring.learning.replay import ABSENT, BETWEEN, CALM, FLAGGED, Past, alerts, find_gone, warning

FIRST = date(2026, 1, 5)
CUT = 0.4
CHANCE = {"u": CUT, "m": CUT * LOWER, "d": CUT * LOWER - 0.01, "-": np.nan}
STATE = {"u": FLAGGED, "m": BETWEEN, "d": CALM, "-": ABSENT}
LENGTH = 6
HISTORIES = ["".join(each) for each in itertools.product("umd-", repeat=LENGTH)]
START = (FIRST - date(1970, 1, 1)).days
DAYS = START + 7 * np.arange(LENGTH)
END = int(DAYS[-1]) + 3


def weeks(letters):
    """u: flagged, d: calm, m: between, -: not scored; one a week."""
    days = (FIRST + timedelta(weeks=at) for at in range(len(letters)))
    return [
        (day, letter == "u", letter == "d")
        for day, letter in zip(days, letters, strict=True)
        if letter != "-"
    ]


@pytest.mark.parametrize(
    ("letters", "since", "first"),
    [
        ("uu", 1, 1),  # dated by the second of the two
        ("ud", None, None),
        ("uduu", 3, 3),
        ("uudu", 1, 1),  # one calm scoring lifts nothing
        ("uudduu", 5, 1),  # lifted, and up again
        ("uudd", None, 1),
        ("u--u", 3, 3),  # a missing one changes nothing
        ("umu", None, None),  # between breaks the run
        ("uudmd", 1, 1),
        ("", None, None),
    ],
)
def test_since_when_a_flag_stands(letters, since, first):
    found = standing(weeks(letters))
    wanted = [None if each is None else FIRST + timedelta(weeks=each) for each in (since, first)]
    assert [found.since, found.first] == wanted


def test_pages_back_test_and_what_if_count_the_same_days():
    """All 4,096 histories of six scorings: the page's function, the matrix of the back-test, the what-if."""
    by_page = []
    for letters in HISTORIES:
        since = standing(weeks(letters)).since
        by_page.append(0 if since is None else END - (since - date(1970, 1, 1)).days)
    account = np.repeat(np.arange(len(HISTORIES)), LENGTH)
    day = np.tile(DAYS, len(HISTORIES))
    p = np.array([[CHANCE[each] for each in letters] for letters in HISTORIES])
    up = flags(account, day, p.ravel(), on=CUT, off=LOWER * CUT)
    left, notice = (np.full(len(HISTORIES), each) for each in (float(END), np.nan))
    gone = Leavers(np.arange(len(HISTORIES)), left, notice, np.full(len(HISTORIES), float(START - 90)))
    found = lead_time(account, day, p.ravel(), gone, threshold=CUT, ahead=1)
    assert found["share"]["events"] == sum(each > 0 for each in by_page)
    assert found["median"]["value"] == np.median(by_page)
    states = np.array([[STATE[each] for each in letters] for letters in HISTORIES])
    past = Past(np.arange(len(HISTORIES)), DAYS, np.ones(p.shape), np.zeros(p.shape, dtype=np.int64))
    told = alerts(past, states)
    assert (told.on == up.on).all()
    seen = find_gone(past, states, account=past.accounts, left=left, notice=notice, until=END + 90)
    counted = np.zeros(len(HISTORIES))
    counted[seen.row] = warning(past, told, seen)
    assert counted.tolist() == by_page
