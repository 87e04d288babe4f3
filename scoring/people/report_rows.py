"""The source rows among which an admin finds the wrong one: those behind the reason first, all others by a search."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When
from django.utils.dateparse import parse_date

from scoring.catalogue import BY_KEY, Dimension
from scoring.people import corrections
from scoring.people.models import DataReport
from scoring.people.words import About, Source
from tenants.models import Tenant

MOST_ROWS = 60  # of each source
MOST_WORDS = 100  # characters of a search
PLURALS: dict[str, str] = {
    Source.CONTACT: "People",
    Source.TICKET: "Tickets",
    Source.SUBSCRIPTION: "Terms",
    Source.SURVEY: "Surveys",
    Source.INVOICE: "Invoices",
}
SOURCE_OF = {
    "contacts": Source.CONTACT,
    "tickets": Source.TICKET,
    "subscriptions": Source.SUBSCRIPTION,
    "surveys": Source.SURVEY,
    "invoices": Source.INVOICE,
}


@dataclass(frozen=True)
class Table:
    """How the rows of a source are found: the columns with words and with days, what comes first, and the newest."""

    words: tuple[str, ...]
    days: tuple[str, ...]
    newest: str
    first: Q | None = None


TABLES: dict[str, Table] = {
    Source.CONTACT: Table(
        ("external_id", "name", "role"), ("joined_at", "departed_at"), "joined_at", ~Q(role="")
    ),
    Source.TICKET: Table(
        ("external_id", "subject"), ("opened_at", "closed_at", "escalated_at"), "opened_at", Q(closed_at=None)
    ),
    Source.SUBSCRIPTION: Table(("external_id", "product"), ("started_at", "renewal_date"), "renewal_date"),
    Source.SURVEY: Table(("external_id", "kind"), ("responded_at",), "responded_at"),
    Source.INVOICE: Table(
        ("external_id",), ("issued_at", "due_at", "paid_at"), "issued_at", Q(paid_at=None, voided_at=None)
    ),
}
Place = tuple[str, str]  # "source:row:field", and what it is called with its present value


@dataclass(frozen=True)
class Offer:
    """What can be put right: groups of places, a source each. `has_more`: a source has rows beyond those shown."""

    groups: list[tuple[str, list[Place]]]
    has_more: bool
    most: int = MOST_ROWS


def offer(tenant: Tenant, report: DataReport, words: str = "") -> Offer:
    """Every correctable field of the account's rows with its present value; at most MOST_ROWS of a source.

    `words`: only rows with them in an id, a name or a subject, or with a day (2026-03-31). One statement a source.
    """
    own, groups, has_more = behind(report), [], False
    for source in sorted(corrections.TABLES, key=lambda each: each not in own):
        rows = list(_rows(tenant, report, source, words)[: MOST_ROWS + 1])
        has_more |= len(rows) > MOST_ROWS
        places = [place for row in rows[:MOST_ROWS] for place in _places(source, row)]
        label = f"{PLURALS[source]}, behind this reason" if source in own else PLURALS[source]
        groups += [(label, places)] if places else []
    return Offer(groups, has_more)


def behind(report: DataReport) -> set[str]:
    """The sources that the reason rests on; none for a suggestion."""
    key = report.feedback.key
    if report.feedback.about != About.REASON:
        return set()
    if key.startswith("contract."):
        return {Source.SUBSCRIPTION}
    indicator = BY_KEY.get(key)
    if indicator is None:
        return set()
    people = {Source.CONTACT} if indicator.dimension == Dimension.STAKEHOLDERS else set()
    return people | {SOURCE_OF[each] for each in indicator.sources if each in SOURCE_OF}


def correctable() -> str:
    """What can be put right, in words, as the corrections have it."""
    found = []
    for source, fields in corrections.FIELDS.items():
        labels = ", ".join(label.lower() for label, _ in fields.values())
        found.append(f"{PLURALS[source].lower()} ({labels})")
    return ", ".join(found)


def cleaned(words: str) -> str:
    """A search as it was typed, cut to what an address may reasonably hold."""
    return words[:MOST_WORDS].strip()


def _rows(tenant: Tenant, report: DataReport, source: str, words: str) -> QuerySet[Any]:
    table, model = TABLES[source], corrections.TABLES[source]
    rows: QuerySet[Any] = model.objects.for_tenant(tenant).filter(account=report.account_id)
    if source == Source.CONTACT:
        rows = rows.filter(erased_at=None)
    if words:
        rows = rows.filter(_asked(model, table, words))
    first = [Case(When(table.first, then=Value(0)), default=Value(1))] if table.first else []
    return rows.order_by(*first, F(table.newest).desc(nulls_last=True), "-pk")


def _asked(model: Any, table: Table, words: str) -> Q:
    asked = Q()
    for name in table.words:
        asked |= Q(**{f"{name}__icontains": words})
    day = _day(words)
    for name in table.days if day else ():
        is_moment = isinstance(model._meta.get_field(name), DateTimeField)
        asked |= Q(**{f"{name}__range": _moments(day)}) if is_moment and day else Q(**{name: day})
    return asked


def _day(words: str) -> date | None:
    try:
        return parse_date(words)
    except ValueError:
        return None


def _moments(day: date) -> tuple[datetime, datetime]:
    """First and last moment of the day, in UTC."""
    return datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)


def _places(source: str, row: Any) -> list[Place]:
    name = getattr(row, "name", "") if source == Source.CONTACT else ""
    label = f"{corrections.label_of(source, row)}{f' ({name})' if name else ''}"
    return [
        (f"{source}:{row.pk}:{field}", f"{label}, {words.lower()}: {_shown(row, field)}")
        for field, (words, _) in corrections.FIELDS[source].items()
    ]


def _shown(row: Any, field: str) -> str:
    return corrections.text_of(getattr(row, field)) or "nothing"
