"""The stretch of days that the outcomes page speaks of: from the first day up to, not including, `end`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

CHOICES = [
    ("quarter", "Last quarter"),
    ("month", "Last month"),
    ("year", "Last 12 months"),
    ("running", "This quarter so far"),
    ("custom", "Other days"),
]
DEFAULT = "quarter"
LONGEST_DAYS = 366 * 3
EARLIEST = date(1990, 1, 1)


@dataclass(frozen=True)
class Period:
    """`start` is its first day and `end` the day after its last; facts count by UTC days."""

    key: str
    start: date
    end: date

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def query(self) -> dict[str, str]:
        """What stands in an address for it."""
        if self.key != "custom":
            return {"period": self.key}
        return {"period": self.key, "since": str(self.start), "until": str(self.last)}

    @property
    def year_ago(self) -> "Period":
        """The same days of the year before."""
        return Period("custom", _year_before(self.start), _year_before(self.end))

    def months(self, most: int = 12) -> list[date]:
        """First days of the `most` months up to the one that holds the period's last day, oldest first."""
        first, found = self.last.replace(day=1), []
        for _ in range(most):
            found.append(first)
            first = month_before(first)
        return found[::-1]


def _year_before(day: date) -> date:
    """The same day a year before; of 29 February the 28th."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - 1)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def period_of(key: str, *, known: date, since: date | None = None, until: date | None = None) -> Period:
    """The period that the address asks for, never beyond `known`, the day before which facts are known.

    Days that make no period fall back to the last quarter: a page of figures has no wrong address.
    """
    month = known.replace(day=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    if key == "custom" and since and until and since >= EARLIEST:
        end = min(until, known - timedelta(days=1)) + timedelta(days=1)
        if since < end <= since + timedelta(days=LONGEST_DAYS):
            return Period("custom", since, end)
    if key == "month":
        return Period(key, month_before(month), month)
    if key == "year":
        return Period(key, month.replace(year=month.year - 1), month)
    if key == "running" and quarter < known:
        return Period(key, quarter, known)
    before = month_before(month_before(month_before(quarter)))
    return Period(DEFAULT, before, quarter)
