"""Letting whole months of events go, so that the chain of seals still holds (ADR 0017).

A month is dropped as a partition, never row by row. Before that each tenant's job writes down, seal by seal, how many
events of the month it held; where a seal also holds events of another month, their leaves, without which its root
could not be computed any more. An event in the log vouches for these lines by a digest of all of them so far. Only
then does drop_partition(), which the web server's role may not call, find that every row is accounted for.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit import log, queries, sealing, services
from audit.events import ORIGIN, Key
from audit.models import AuditSeal, RetiredEvents
from tenants.access import SYSTEM
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

KIND = "audit.retire"
VERB = "audit.dropped"
TABLE = "audit_event"
SEALS_A_STEP = 100
AT_LEAST_MONTHS = 13  # drop_partition() holds a year, counted from this month's first day
NEWEST: Key = (2**31, 2**62, 2**62)


def months_of(table: str) -> list[date]:
    """The months for which the table has partitions, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_date(right(c.relname, 6), 'YYYYMM') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(%s) AND c.relname ~ '_[0-9]{6}$' ORDER BY 1",
            [table],
        )
        return [month for (month,) in cursor.fetchall()]


def due_months(table: str, *, keep: int, today: date | None = None) -> list[date]:
    """Months that ended more than `keep` months ago; 0 keeps everything, and a year is kept in any case."""
    if not keep:
        return []
    keep = max(keep, AT_LEAST_MONTHS)
    today = today or timezone.now().date()
    number = today.year * 12 + today.month - 1 - keep
    oldest = date(number // 12, number % 12 + 1, 1)
    return [month for month in months_of(table) if month < oldest]


def is_due(tenant: Tenant) -> bool:
    return bool(due_months(TABLE, keep=settings.KEEP_AUDIT_MONTHS))


def run(tenant: Tenant, progress: Any) -> dict[str, int]:
    """The job: account for each month that is due, oldest first; a month that is not sealed yet waits."""
    done = 0
    for month in due_months(TABLE, keep=settings.KEEP_AUDIT_MONTHS):
        if not retire(tenant, month, progress):
            break
        done += 1
    return {"months": done}


def retire(tenant: Tenant, month: date, progress: Any = lambda *_: None) -> bool:
    """Write down what the month's events are to their seals; whether the month may go now, for this tenant."""
    with tenant_transaction(tenant.pk):
        told = _told(tenant)
        span = _span(tenant, month)
        newest = queries.newest_seal(tenant)
    if span is None or (told is not None and told.through >= month):
        return True
    if newest is None or span[1] > sealing.last_key(newest):
        return False
    first, last = _seals_of(tenant, *span)
    seals = 0
    for after in range(first - 1, last, SEALS_A_STEP):
        with tenant_transaction(tenant.pk):
            seals += _account(tenant, month, after=after, upto=min(last, after + SEALS_A_STEP))
        progress(seals)
    with tenant_transaction(tenant.pk):
        _tell(tenant, month)
    return True


def _span(tenant: Tenant, month: date) -> tuple[Key, Key] | None:
    """First and last key of the tenant's events of that month."""
    rows = [_one_key(tenant, month, order) for order in ("", "DESC")]
    return (rows[0], rows[1]) if rows[0] and rows[1] else None


def _one_key(tenant: Tenant, month: date, order: str) -> Key | None:
    places = ", ".join(f"{name} {order}" for name in ("epoch", "xid", "id"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT epoch, xid, id FROM audit_event WHERE tenant_id = %s AND at >= %s AND at < %s "  # noqa: S608
            f"ORDER BY {places} LIMIT 1",
            [tenant.pk, *_bounds(month)],
        )
        found: Key | None = cursor.fetchone()
    return found


def _bounds(month: date) -> tuple[datetime, datetime]:
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return start, (start + timedelta(days=32)).replace(day=1)


def _seals_of(tenant: Tenant, first: Key, last: Key) -> tuple[int, int]:
    """Numbers of the seals that hold these two keys; arrays compare like tuples."""
    with tenant_transaction(tenant.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT min(seq) FROM audit_auditseal WHERE tenant_id = %s AND last_key >= %s::bigint[]),"
            "       (SELECT max(seq) FROM audit_auditseal WHERE tenant_id = %s AND first_key <= %s::bigint[])",
            [tenant.pk, list(first), tenant.pk, list(last)],
        )
        found = cursor.fetchone()
    return int(found[0]), int(found[1])


def _account(tenant: Tenant, month: date, *, after: int, upto: int) -> int:
    """One line for each seal that holds events of the month; harmless when done before."""
    lines = []
    for seal in queries.seals_after(tenant, after=after, upto=upto, limit=SEALS_A_STEP):
        rows = list(_rows_of(tenant, seal, month))
        if rows:
            whole = len(rows) == seal.event_count
            leaves = [] if whole else [[*log.key_of(row), sealing.leaf_of(tenant, row).hex()] for row in rows]
            lines.append(
                RetiredEvents(tenant=tenant, seq=seal.seq, month=month, events=len(rows), leaves=leaves)
            )
    RetiredEvents.objects.bulk_create(lines, ignore_conflicts=True)
    return len(lines)


def _rows_of(tenant: Tenant, seal: AuditSeal, month: date) -> Iterator[log.Row]:
    start, end = _bounds(month)
    before = queries.seal_number(tenant, seq=seal.seq - 1)
    rows = log.between(
        tenant, after=sealing.last_key(before), upto=sealing.last_key(seal), limit=sealing.EVENTS_A_SEAL
    )
    return (row for row in rows if start <= row[3] < end)


def _tell(tenant: Tenant, month: date) -> None:
    """The one event that says what is dropped, and vouches for every line so far."""
    lines = _lines(tenant, through=month)
    of_month = [line for line in lines if line.month == month]
    services.record(
        tenant,
        verb=VERB,
        by=SYSTEM,
        object_type=queries.CHAIN,
        object_id=f"{month:%Y-%m}",
        object_label=f"The event log of {month:%B %Y}",
        after={
            "month": month.isoformat(),
            "events": sum(line.events for line in of_month),
            "seals": len(of_month),
            "digest": _digest(lines),
        },
    )


def _lines(tenant: Tenant, *, through: date) -> list[RetiredEvents]:
    rows = RetiredEvents.objects.for_tenant(tenant).filter(month__lte=through)
    return list(rows.order_by("month", "seq"))


def _digest(lines: list[RetiredEvents]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(json.dumps([line.month.isoformat(), line.seq, line.events, line.leaves]).encode())
    return digest.hexdigest()


# --- what verification asks ----------------------------------------------------------------------


@dataclass
class Gone:
    """What a seal once held and the log no longer does."""

    events: int = 0
    leaves: list[tuple[Key, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class _Told:
    through: date
    digest: str


def _told(tenant: Tenant) -> _Told | None:
    """What the newest such event says."""
    rows = log.of_verbs(tenant, verbs=[VERB], after=ORIGIN, upto=NEWEST)
    if not rows:
        return None
    after = log.event_of(rows[-1]).after or {}
    return _Told(date.fromisoformat(after["month"]), str(after["digest"]))


def gone(tenant: Tenant) -> tuple[dict[int, Gone], str]:
    """By number of the seal what was let go; and what is wrong with that account, if anything."""
    with tenant_transaction(tenant.pk):
        held = set(months_of(TABLE))
        lines = _lines(tenant, through=date.max)
        told = _told(tenant)
    dropped = [line for line in lines if line.month not in held]
    if not dropped:
        return {}, ""
    if told is None or max(line.month for line in dropped) > told.through:
        return {}, "events are gone with a month's table, and no event of the log says that it was dropped"
    if _digest([line for line in lines if line.month <= told.through]) != told.digest:
        return {}, "the account of dropped events is not the one that the log vouches for"
    found: dict[int, Gone] = {}
    for line in dropped:
        of_seal = found.setdefault(line.seq, Gone())
        of_seal.events += line.events
        of_seal.leaves += [((e, x, i), bytes.fromhex(leaf)) for e, x, i, leaf in line.leaves]
    return found, ""
