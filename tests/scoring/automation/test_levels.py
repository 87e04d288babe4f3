"""The rule by which a source is missed, on numbers: what chance does is no outage, what half the customers do is."""

import numpy as np
import pytest

from scoring.automation.levels import Level, has_fallen, usual


def windows(*fresh, had=100, of=100):
    return [Level(each, had, of) for each in fresh]


@pytest.mark.parametrize(
    ("now", "customers", "past", "expected"),
    [
        (40, 100, windows(100, 100, 100), True),
        (51, 100, windows(100, 100, 100), False),  # more than half are there
        (40, 40, windows(100, 100, 100), False),  # the others left
        (15, 40, windows(100, 100, 100), True),
        (100, 400, windows(100, 100, 100), False),  # the others are new
        (45, 400, windows(100, 100, 100), True),
        (4, 10, windows(10, 10, had=10, of=10), True),
        (4, 9, windows(9, 9, had=9, of=9), False),  # a handful: nobody can tell
        (0, 9, windows(9, 9, had=9, of=9), True),  # unless it is gone altogether
        (0, 100, windows(1, 2, 1), False),  # one or two of a hundred: nobody may well be
        (5, 100, windows(12, 9, 14, 11), False),  # half of a few is chance
        (5, 100, windows(12, 12, 12, had=12), True),  # of few that always send it: no chance
        (0, 100, windows(18, 22, 19, 21), True),
        (30, 100, windows(95, 50, 90, 55, 88, 60, 92), False),  # varies as much by itself
        (5, 100, windows(95, 50, 90, 55, 88, 60, 92), True),
        (0, 100, windows(0, 0, 0), False),
        (0, 100, [], False),
    ],
)
def test_what_has_fallen(now, customers, past, expected):
    assert has_fallen(now, customers, past) is expected


@pytest.mark.parametrize(
    ("fresh", "customers", "expected"),
    [(74, 100, False), (75, 100, True), (30, 40, True), (29, 40, False), (75, 300, True)],
)
def test_back_is_three_quarters_of_what_it_fell_from(fresh, customers, expected):
    assert Level(100, 100, 100).is_back(fresh, customers) is expected


def test_back_allows_a_small_level_its_chance():
    assert not Level(17, 100, 100).is_back(9, 100)
    assert Level(17, 100, 100).is_back(10, 100)


@pytest.mark.parametrize("growth", [1.0, 1.01, 0.97])
def test_of_many_sources_that_are_well_none_is_missed(growth):
    """90 sources of 12 to 200 customers, each with a pace of its own, over 27 windows; then three fifths stop."""
    rng = np.random.default_rng(8)
    missed, halved, looks, found, stopped = 0, 0, 0, 0, 0
    for number in range(90):
        customers = int(rng.integers(12, 200))
        shares = rng.beta(*((1, 4), (2, 2), (8, 1))[number % 3], size=400)
        past = []
        for week in range(27):
            size = max(5, min(400, int(customers * growth**week)))
            fresh = int((rng.random(size) < shares[:size]).sum())
            if len(past) >= 3:
                looks += 1
                missed += has_fallen(fresh, size, past)
                halved += fresh < usual(past, size).fresh / 2
            past.append(Level(fresh, size, size))
        if number % 3 == 2 and size >= 15:  # nearly everybody sends it
            stopped += 1
            found += has_fallen(round(0.4 * fresh), size, past)
    assert (missed, looks) == (0, 90 * 24)
    assert halved > 10  # what a plain half would have cried
    assert found > 0.9 * stopped > 0
