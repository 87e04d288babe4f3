"""Keyset pages in either direction: what is due first needs the soonest on top, everything else the newest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from approvals.models import ApprovalRequest

PAGE_SIZE = 25
COUNT_CAP = 10_000


class BadPlace(ValueError):
    """The address holds a place in the list that was not made here."""


@dataclass(frozen=True)
class Page:
    rows: list[ApprovalRequest]
    first: int  # number of the first row in the whole list
    total: int
    before: str  # the place of the first row, if there are rows above it
    after: str  # the place of the last row, if there are more

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


@dataclass(frozen=True)
class Order:
    """A total order and how to go on from a row of it."""

    fields: tuple[str, str]
    write: Callable[[ApprovalRequest], str]
    beyond: Callable[[str, bool], Q]


def _due_write(row: ApprovalRequest) -> str:
    return f"{row.due_at.isoformat()}~{row.pk}"


def _due_beyond(place: str, forward: bool) -> Q:
    moment, _, number = place.partition("~")
    due, pk = _moment(moment), _number(number)
    side = "gt" if forward else "lt"
    return Q(**{f"due_at__{side}": due}) | Q(**{"due_at": due, f"pk__{side}": pk})


def _newest_beyond(place: str, forward: bool) -> Q:
    return Q(pk__lt=_number(place)) if forward else Q(pk__gt=_number(place))


DUE_FIRST = Order(("due_at", "pk"), _due_write, _due_beyond)
NEWEST_FIRST = Order(("-pk", "-pk"), lambda row: str(row.pk), _newest_beyond)


def page_of(
    rows: QuerySet[ApprovalRequest], order: Order, *, before: str = "", after: str = "", size: int = PAGE_SIZE
) -> Page:
    """The rows after a place, or before it, or the first ones. One query if all fit, else three. Raises BadPlace."""
    if before:
        backward = [name[1:] if name.startswith("-") else f"-{name}" for name in order.fields]
        found = list(rows.filter(order.beyond(before, False)).order_by(*backward)[:size])[::-1]
        more = True
    else:
        onward = rows.filter(order.beyond(after, True)) if after else rows
        found = list(onward.order_by(*order.fields)[: size + 1])
        found, more = found[:size], len(found) > size
    if not found:
        return Page([], 0, 0, "", "")
    alone = not (before or after or more)
    total = len(found) if alone else _capped(rows)
    ahead = _capped(rows.filter(order.beyond(order.write(found[0]), False))) if before or after else 0
    return Page(
        rows=found,
        first=ahead + 1,
        total=total,
        before=order.write(found[0]) if ahead else "",
        after=order.write(found[-1]) if more else "",
    )


def _capped(rows: QuerySet[ApprovalRequest]) -> int:
    return rows.order_by()[: COUNT_CAP + 1].count()


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError as error:
        raise BadPlace(text) from error
    if moment is None or moment.tzinfo is None:
        raise BadPlace(text)
    return moment


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadPlace(text)
    return int(text)
