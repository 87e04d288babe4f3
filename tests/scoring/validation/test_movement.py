"""Histories that grow: what moved before may go on, and what moves further than that is still seen."""

import numpy as np
import pytest

from scoring.engine.validation.drift import REACH, Sample, drift, tripped
from scoring.engine.validation.movement import LEAST_DAYS, MONTH, YEAR, Movement, movement

NAMES = ("arrives", "climbs", "wanders")
ACCOUNTS, LEARNT, LATER = 400, 16, 6  # months


def month(rng, before, at):
    """One input that more and more accounts have a value of, a count that only grows, one that wanders."""
    arrives, climbs, wanders = before
    climbs = climbs + rng.poisson(0.8, ACCOUNTS)
    wanders = 0.9 * wanders + np.sqrt(1 - 0.9**2) * rng.normal(size=ACCOUNTS)
    shown = np.where(arrives[:, 0] < 0.1 + 0.035 * at, arrives[:, 1], np.nan)
    return (arrives, climbs, wanders), np.column_stack([shown, climbs, wanders])


def world(seed, *, jump=0.0):
    """(rows of the months learnt from, later months); from the first later month on the last input jumps."""
    rng = np.random.default_rng(seed)
    state = (
        np.column_stack([rng.random(ACCOUNTS), rng.normal(size=ACCOUNTS)]),
        np.zeros(ACCOUNTS),
        rng.normal(size=ACCOUNTS),
    )
    months = []
    for at in range(LEARNT + LATER):
        state, x = month(rng, state, at)
        x[:, 2] += jump if at >= LEARNT else 0.0
        months.append(x)
    return months[:LEARNT], months[LEARNT:]


def score(x):
    return 1 / (1 + np.exp(2.5 - 0.3 * np.nan_to_num(x[:, 2])))


def looks(seed, *, is_allowed=True, **more):
    """What tripped at each monthly look after training."""
    learnt, later = world(seed, **more)
    x = np.concatenate(learnt)
    day, account = np.repeat(np.arange(LEARNT) * MONTH, ACCOUNTS), np.tile(np.arange(ACCOUNTS), LEARNT)
    moved = movement(x, account, day)
    recent = day > day.max() - YEAR
    training = Sample(x[recent], score(x[recent]), ACCOUNTS)
    for at, now in enumerate(later, start=1):
        ordinary = moved.within(at * MONTH) if is_allowed else None
        yield tripped(drift(NAMES, training, Sample(now, score(now), ACCOUNTS), ordinary=ordinary))


def test_growth_alone_trips_without_allowance_and_not_with_it():
    for seed in range(4):
        assert {"missing.arrives", "psi.climbs"} <= {
            key for keys in looks(seed, is_allowed=False) for key in keys
        }
        assert [key for keys in looks(seed) for key in keys] == []


def test_a_jump_is_still_seen_at_once_and_by_name():
    for seed in range(10, 13):
        assert "psi.wanders" in next(iter(looks(seed, jump=1.2)))


def test_what_moved_is_known_by_lag_and_goes_on():
    day = np.repeat(np.arange(8) * MONTH, 100)
    blank = np.repeat(np.arange(8) * 10, 100)  # a tenth more without a value each month, from none to 70 %
    x = np.where(np.tile(np.arange(100), 8) < blank, np.nan, 1.0)[:, None]
    found = movement(x, np.tile(np.arange(100), 8), day)
    assert found.lags == 3
    # the last month has 70 %; up to one, two, three months before it 30, 25, 20 % were missing on average
    assert found.missing[0] == pytest.approx([0.40, 0.45, 0.50])
    assert found.psi.tolist() == [[0, 0, 0]]
    six = found.within(6 * MONTH)
    assert six.missing[0] == pytest.approx(2 * found.missing[0, 2])
    assert found.within(1).missing[0] == found.missing[0, 0]


def test_psi_beyond_the_longest_lag_grows_with_the_square_of_time():
    known = Movement(np.array([[0.1, 0.2]]), np.array([[0.1, 0.2]]))
    found = known.within(4 * MONTH)
    assert (found.psi[0], found.missing[0]) == pytest.approx((0.8, 0.4))


def test_too_few_days_tell_nothing():
    day = np.repeat(np.arange(LEAST_DAYS - 1), 10)
    found = movement(np.zeros((day.size, 1)), np.arange(day.size), day)
    assert found.lags == 0


def test_an_input_that_moves_no_chance_is_watched_and_does_not_trip():
    learnt, later = world(1, jump=2.0)
    training, now = (Sample(x, score(x), ACCOUNTS) for x in (np.concatenate(learnt), later[0]))
    for far, is_tripped in ((REACH - 0.01, False), (REACH + 0.01, True)):
        rows = {row["key"]: row for row in drift(NAMES, training, now, reach=np.array([0, 0, far]))}
        row = rows["psi.wanders"]
        assert (row["tripped"], row["watch"]) == (is_tripped, not is_tripped)
        assert row["words"].endswith(f"alone it moves the log-odds by {far:.2f} (limit 0.22).")
        assert not rows["psi.climbs"]["tripped"]
