"""Facts that a person puts right at their source row, with trace; an import of the same old value does not undo it.

A correction holds against the value it replaced: an import that brings it again is overruled and counted. A third value
is news from the source: it stands, and the correction is marked as overtaken. What is not covered here is corrected at
its source (docs/scoring.md).
"""

from datetime import UTC, date, datetime, time
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Account, Contact, ContactChange, Invoice, Subscription, Survey, Ticket
from audit import services as audit
from scoring.clock import tenant_today
from scoring.people.exceptions import Refused
from scoring.people.models import DataReport, SourceCorrection
from scoring.people.words import Source
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant

Row = Contact | Ticket | Subscription | Survey | Invoice
TABLES: dict[str, type[Contact] | type[Ticket] | type[Subscription] | type[Survey] | type[Invoice]] = {
    Source.CONTACT: Contact,
    Source.TICKET: Ticket,
    Source.SUBSCRIPTION: Subscription,
    Source.SURVEY: Survey,
    Source.INVOICE: Invoice,
}
# field: its label, and the column that it may not lie before
FIELDS: dict[str, dict[str, tuple[str, str]]] = {
    Source.CONTACT: {"role": ("Role", ""), "departed_at": ("Left on", "joined_at")},
    Source.TICKET: {
        "closed_at": ("Closed on", "opened_at"),
        "escalated_at": ("Escalated on", "opened_at"),
    },
    Source.SUBSCRIPTION: {"renewal_date": ("Renewal", "started_at")},
    Source.SURVEY: {"score": ("Score", "")},
    Source.INVOICE: {
        "due_at": ("Due on", "issued_at"),
        "paid_at": ("Paid on", "issued_at"),
        "voided_at": ("Voided on", "issued_at"),
    },
}
FILES = {
    "contacts": Source.CONTACT,
    "tickets": Source.TICKET,
    "subscriptions": Source.SUBSCRIPTION,
    "surveys": Source.SURVEY,
    "invoices": Source.INVOICE,
}
MUST_HAVE = {"renewal_date", "due_at", "score"}
MAY_LIE_AHEAD = {"renewal_date", "due_at"}
SCALES = {
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "review": (1, 5),
}  # as imports take them (docs/import.md)


def text_of(value: Any) -> str:
    """A value of a source row as text: days and moments in ISO, nothing as empty."""
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def value_of(source: str, field: str, text: str) -> Any:
    """The text as the column holds it; a day stands for its beginning in UTC. Raises Refused."""
    column = TABLES[source]._meta.get_field(field)
    if field in MUST_HAVE and not text:
        raise Refused("new", "This cannot be empty.")
    if isinstance(column, models.CharField):
        if text not in ("", *Contact.Role.values):
            raise Refused("new", "Choose one of the roles.")
        return text
    if not text:
        return None
    if isinstance(column, models.IntegerField):
        return _whole(text)
    try:
        if isinstance(column, models.DateTimeField):
            found = datetime.fromisoformat(text)
            return (
                found if found.tzinfo else datetime.combine(found.date(), time(), UTC)
            )  # a typed day has no zone
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("new", "Write a day as 2026-03-31.") from error


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Refused("new", "Write a whole number.")
    return int(text)


def source_row(tenant: Tenant, account: Account, *, source: str, row_id: int, lock: bool = False) -> Row:
    """The row of the account. Raises Refused."""
    if source not in TABLES:
        raise Refused("row", "Choose one of the rows.")
    rows: Any = TABLES[source].objects.for_tenant(tenant).filter(account=account, pk=row_id)
    if source == Source.CONTACT:
        rows = rows.filter(erased_at=None)
    row: Row | None = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise Refused("row", "This row is not there any more.")
    return row


@transaction.atomic
def correct(
    tenant: Tenant, *, account: Account, source: str, row_id: int, field: str, new: str, why: str, by: Actor,
    report: DataReport | None = None,
) -> SourceCorrection:  # fmt: skip
    """Put one field right. The same value again, or a day before the row began, is refused."""
    row = source_row(tenant, account, source=source, row_id=row_id, lock=True)
    if field not in FIELDS[source]:
        raise Refused("field", "Choose what is wrong.")
    if not why.strip():
        raise Refused("why", "Write how you know. Others will read it.")
    value, before = value_of(source, field, new.strip()), getattr(row, field)
    _check_value(tenant, source, row, field, value, before)
    _overtake(tenant, source, row, field, text_of(value))
    kept = SourceCorrection.objects.create(
        tenant=tenant,
        account=account,
        report=report,
        source=source,
        row_id=row.pk,
        row_label=label_of(source, row),
        field=field,
        old=text_of(before),
        new=text_of(value),
        why=why.strip(),
        author=by.user,
        author_label=by.label[:300],
    )
    _write(row, field, value)
    _record(tenant, kept, verb="scoring.fact_corrected", by=by, before=kept.old, after=kept.new, why=kept.why)
    return kept


def _check_value(tenant: Tenant, source: str, row: Row, field: str, value: Any, before: Any) -> None:
    if value == before:
        raise Refused("new", "This is what the row says already.")
    if isinstance(row, Survey):
        low, high = SCALES.get(row.kind, (0, 10))
        if not low <= value <= high:
            raise Refused("new", f"{row.kind.upper()} goes from {low} to {high}.")
    first = FIELDS[source][field][1]
    if value is None or not first:
        return
    day, begun = _day(value), getattr(row, first)
    if begun is not None and day < _day(begun):
        raise Refused("new", f"This is before {_day(begun)}, when it began.")
    if field not in MAY_LIE_AHEAD and day > tenant_today(tenant):
        raise Refused("new", "Choose today or an earlier day.")


def _day(value: Any) -> date:
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value


def _overtake(tenant: Tenant, source: str, row: Row, field: str, value: str) -> None:
    """An earlier correction of the same field ends: the new one holds."""
    _in_force(tenant).filter(source=source, row_id=row.pk, field=field).update(
        superseded_at=timezone.now(), superseded_by=value
    )


def _write(row: Row, field: str, value: Any) -> None:
    setattr(row, field, value)
    row.recorded_at = timezone.now()
    row.save(update_fields=[field, "recorded_at"])


def _in_force(tenant: Tenant) -> Any:
    return SourceCorrection.objects.for_tenant(tenant).filter(superseded_at=None)


def label_of(source: str, row: Row) -> str:
    """What the row is called where it is listed; a person by the id at the source, since names are erased."""
    kind = Source(source).label
    name = f" {row.subject}" if isinstance(row, Ticket) and row.subject else ""
    if isinstance(row, Survey):
        name = f" {row.kind.upper()} of {_day(row.responded_at)}"
    return f"{kind} {row.external_id}{name}"[:300]


@transaction.atomic
def hold(tenant: Tenant, file: str) -> dict[str, int]:
    """After an import of this file: old values that it brought back are put right again. Counts by what happened."""
    counts = {"held": 0, "overtaken": 0}
    source = FILES.get(file)
    if source is None:
        return counts
    kept = list(_in_force(tenant).filter(source=source).select_for_update())
    rows = TABLES[source].objects.for_tenant(tenant).in_bulk([each.row_id for each in kept])
    for each in kept:
        row = rows.get(each.row_id)
        found = "" if row is None else text_of(getattr(row, each.field))
        if row is None or found == each.new:
            continue
        if found == each.old:
            _hold(tenant, each, row)
            counts["held"] += 1
        else:
            _give_way(tenant, each, found)
            counts["overtaken"] += 1
    return counts


def _hold(tenant: Tenant, kept: SourceCorrection, row: Row) -> None:
    _write(row, kept.field, value_of(kept.source, kept.field, kept.new))
    _forget_change(tenant, kept)
    kept.held, kept.held_at = kept.held + 1, timezone.now()
    kept.save(update_fields=["held", "held_at"])
    _record(tenant, kept, verb="scoring.correction_held", by=SYSTEM, before=kept.old, after=kept.new)


def _forget_change(tenant: Tenant, kept: SourceCorrection) -> None:
    """What the import took for a change of the person was the old value once more."""
    if kept.source == Source.CONTACT:
        rows = ContactChange.objects.for_tenant(tenant).filter(contact=kept.row_id, field=kept.field)
        newest = rows.filter(old=kept.new, new=kept.old).order_by("-changed_at", "-pk").values("pk")[:1]
        rows.filter(pk__in=newest).delete()


def _give_way(tenant: Tenant, kept: SourceCorrection, found: str) -> None:
    kept.superseded_at, kept.superseded_by = timezone.now(), found[:100]
    kept.save(update_fields=["superseded_at", "superseded_by"])
    _record(tenant, kept, verb="scoring.correction_overtaken", by=SYSTEM, before=kept.new, after=found)


def _record(
    tenant: Tenant, kept: SourceCorrection, *, verb: str, by: Actor, before: str, after: str, why: str = ""
) -> None:
    audit.record(
        tenant,
        verb=verb,
        by=by,
        account_id=kept.account_id,
        object_type=f"accounts.{kept.source}",
        object_id=str(kept.row_id),
        object_label=kept.row_label,
        before={kept.field: before},
        after={kept.field: after, **({"why": why} if why else {})},
    )
