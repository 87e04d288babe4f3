"""Keyset pages, newest first: "rows 26–50 of 131" without OFFSET (DECISIONS 27)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import DateTimeField, Model, Q, QuerySet
from django.urls import reverse

from tenants.access import TenantRequest

PAGE_SIZE = 25
COUNT_CAP = 10_000  # beyond it the pages say "10,000+"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = TypeVar("Row", bound=Model)


class BadPlace(ValueError):
    """The address holds a place in the list that was not made here."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page; `newer` and `older` are places to go on from, empty where the list ends."""

    rows: list[Row]
    first: int
    last: int
    total: int
    newer: str
    older: str


def newest_first(
    rows: QuerySet[Row], *, by: Sequence[str], before: str = "", after: str = "", size: int = PAGE_SIZE
) -> Page[Row]:
    """The page of `rows` that ends before, or begins after, a place; else the first. `by` must be a total order.

    Three queries, whatever the number of rows. Raises BadPlace.
    """
    descending, ascending = [f"-{name}" for name in by], list(by)
    place = _read(rows.model, by, after or before)
    if place and after:
        found = list(rows.filter(beyond(by, place, newer=True)).order_by(*ascending)[: size + 1])
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        wanted = rows.filter(beyond(by, place, newer=False)) if place else rows
        found = list(wanted.order_by(*descending)[: size + 1])
        has_newer, has_older = bool(place), len(found) > size
        found = found[:size]
    total = _capped(rows)
    if not found:
        return Page([], 0, 0, total, "", "")
    ahead = _capped(rows.filter(beyond(by, _values(found[0], by), newer=True))) if has_newer else 0
    return Page(
        rows=found,
        first=ahead + 1,
        last=ahead + len(found),
        total=total,
        newer=_write(found[0], by) if has_newer and ahead else "",
        older=_write(found[-1], by) if has_older else "",
    )


def beyond(by: Sequence[str], place: Sequence[Any], *, newer: bool) -> Q:
    """Rows on one side of a place. The first column is also bounded alone, so that an index or a partition serves."""
    side = "gt" if newer else "lt"
    condition = Q(**{f"{by[-1]}__{side}": place[-1]})
    for name, value in zip(reversed(by[:-1]), reversed(place[:-1]), strict=True):
        condition = Q(**{f"{name}__{side}": value}) | (Q(**{name: value}) & condition)
    return condition if len(by) == 1 else Q(**{f"{by[0]}__{side}e": place[0]}) & condition


def neighbours(
    request: TenantRequest, page: Page[Row], *, names: tuple[str, str], ids: Sequence[int] = ()
) -> dict[str, str]:
    """Addresses of the newer and older page and of their rows alone, with the filters kept; for the pager tag.

    `ids` stand in the addresses behind the tenant.
    """
    base, rows = (reverse(name, args=[request.tenant.slug, *ids]) for name in names)
    query = request.GET.copy()
    found = {}
    for side, parameter, place in (("newer", "after", page.newer), ("older", "before", page.older)):
        query.pop("before", None)
        query.pop("after", None)
        query[parameter] = place
        found[side] = f"{base}?{query.urlencode()}" if place else ""
        found[f"{side}_rows"] = f"{rows}?{query.urlencode()}" if place else ""
    return found


def _capped(rows: QuerySet[Row]) -> int:
    return rows.order_by()[: COUNT_CAP + 1].count()


def _values(row: Model, by: Sequence[str]) -> list[Any]:
    return [getattr(row, name) for name in by]


def _write(row: Model, by: Sequence[str]) -> str:
    return "-".join(str(_as_number(value)) for value in _values(row, by))


def _as_number(value: Any) -> int:
    return (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else int(value)


def _read(model: type[Model], by: Sequence[str], text: str) -> list[Any]:
    if not text:
        return []
    parts = text.split("-")
    if len(parts) != len(by) or not all(p.isascii() and p.isdigit() and len(p) < 19 for p in parts):
        raise BadPlace(text)
    return [_as_value(model, name, int(part)) for name, part in zip(by, parts, strict=True)]


def _as_value(model: type[Model], name: str, number: int) -> Any:
    if not isinstance(model._meta.get_field(name), DateTimeField):
        return number
    try:
        return _EPOCH + timedelta(microseconds=number)
    except OverflowError as error:
        raise BadPlace(str(number)) from error
