"""Which slot a moment belongs to: through summer time, for every tenant's clock (PLATFORM 8, row 17)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from jobs.registry import Schedule
from jobs.slots import current_slot


def daily(hour):
    return Schedule("test", "test.kind", at_hour=hour)


def slots(schedule, zone, start, end, step):
    """Every slot that a sweeper sees which looks at each step."""
    seen, now = [], start
    while now < end:
        slot = current_slot(schedule, now=now, time_zone=zone)
        assert slot <= now
        if not seen or seen[-1] != slot:
            seen.append(slot)
        now += step
    return seen


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
)
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_each_calendar_day_has_exactly_one_slot(hour, zone, month):
    start = datetime(2026, month, 1, tzinfo=UTC)
    seen = slots(daily(hour), zone, start, start + timedelta(days=30), timedelta(minutes=30))
    assert seen == sorted(set(seen)), "a slot came twice, or an older one after a newer"
    gaps = {later - earlier for earlier, later in pairwise(seen)}
    assert gaps <= {timedelta(hours=hours) for hours in (23, 24, 25)} | {
        timedelta(hours=23.5),
        timedelta(hours=24.5),
    }
    assert len(seen) in (30, 31)


def test_an_hour_that_the_clock_skips_comes_after_the_gap():
    # Berlin, 29 March 2026: 02:00 to 03:00 does not exist
    noon = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert current_slot(daily(2), now=noon, time_zone="Europe/Berlin") == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_an_hour_that_comes_twice_counts_once():
    # Berlin, 25 October 2026: 02:00 comes at 00:00 and at 01:00 UTC
    for minute in range(0, 600, 7):
        now = datetime(2026, 10, 25, 0, tzinfo=UTC) + timedelta(minutes=minute)
        assert current_slot(daily(2), now=now, time_zone="Europe/Berlin") == datetime(
            2026, 10, 25, 0, tzinfo=UTC
        )


def test_an_interval_is_cut_from_the_same_grid_for_everybody():
    every = Schedule("test", "test.kind", every=timedelta(minutes=10))
    now = datetime(2026, 5, 5, 12, 34, 56, tzinfo=UTC)
    for zone in ("UTC", "Asia/Kathmandu"):
        assert current_slot(every, now=now, time_zone=zone) == datetime(2026, 5, 5, 12, 30, tzinfo=UTC)
