"""Which moment a schedule stands for: pure arithmetic, through clock jumps and summer time."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.registry import Schedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def current_slot(schedule: Schedule, *, now: datetime, time_zone: str) -> datetime:
    """The newest slot that has begun: everything missed before it is caught up by one run."""
    if schedule.every is not None:
        return now - (now - _EPOCH) % schedule.every
    return _newest_hour(schedule.at_hour or 0, now=now, zone=ZoneInfo(time_zone))


def _newest_hour(hour: int, *, now: datetime, zone: ZoneInfo) -> datetime:
    """The latest day's `hour` o'clock by the tenant's clock. Each calendar day has exactly one such moment.

    Where the clock skips that hour it is the moment after the gap, where it comes twice the first of both.
    """
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        slot = datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
        if slot <= now:
            return slot
    raise AssertionError("yesterday has begun")
