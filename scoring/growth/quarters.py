"""Calendar quarters."""

from datetime import date

AHEAD = 4  # the quarter of the as-of day and the three that follow


def first_of(day: date) -> date:
    """The first day of the quarter that the day lies in."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def following(quarter: date) -> date:
    """The first day of the next quarter: the first one that is not in this one any more."""
    return date(quarter.year + quarter.month // 10, (quarter.month + 2) % 12 + 1, 1)


def ahead(as_of: date) -> list[date]:
    """First days of the quarters that are forecast on that day."""
    found = [first_of(as_of)]
    while len(found) < AHEAD:
        found.append(following(found[-1]))
    return found


def named(quarter: date) -> str:
    """As people write it: Q4 2026."""
    return f"Q{(quarter.month + 2) // 3} {quarter.year}"
