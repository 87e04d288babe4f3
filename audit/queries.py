"""Reads of the log for people: what the reader may see, narrowed, newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q, QuerySet

from audit import log, registry
from audit.events import Key
from audit.models import AuditEvent, AuditSeal
from tenants import fields
from tenants.access import Right, can
from tenants.access import sees_everything as sees_everything
from tenants.models import Membership, Tenant

CHAIN = "audit.chain"  # the object of "audit.verified"


@dataclass(frozen=True)
class Filters:
    """What the page shows and an export takes. Empty means all."""

    app: str = ""
    verb: str = ""
    person: str = ""
    object_type: str = ""
    object_id: str = ""
    account: int | None = None
    decision: str = ""
    since: date | None = None
    until: date | None = None


def events(tenant: Tenant, viewer: Membership, filters: Filters = Filters()) -> QuerySet[AuditEvent]:
    """What `viewer` may see of the log, narrowed; in no order yet."""
    rows = AuditEvent.objects.filter(tenant_id=tenant.pk).filter(_visible(tenant, viewer))
    equal = {
        "verb": filters.verb,
        "actor_id": filters.person,
        "object_type": filters.object_type,
        "object_id": filters.object_id,
        "account_id": filters.account,
        "decision_ref": filters.decision,
    }
    rows = rows.filter(**{name: value for name, value in equal.items() if value not in ("", None)})
    if filters.app:
        # a range instead of LIKE, which row-level security would not push down ("/" follows "." in order)
        rows = rows.filter(verb__gt=f"{filters.app}.", verb__lt=f"{filters.app}/")
    zone = ZoneInfo(tenant.time_zone)
    if filters.since:
        rows = rows.filter(at__gte=_midnight(filters.since, zone))
    if filters.until:
        rows = rows.filter(at__lt=_midnight(filters.until + timedelta(days=1), zone))
    return rows


def covered(viewer: Membership, rows: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
    """The events with what the viewer may not see of them covered (tenants.fields); not to be saved."""
    for row in rows:
        row.diff = fields.shown(viewer, row.diff)
        yield row


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _visible(tenant: Tenant, viewer: Membership) -> Q:
    """Events of accounts that the viewer sees; events of no account only for those who see the whole tenant.

    Other apps may open their own kinds of objects to more people (audit.registry.register_visibility).
    """
    if sees_everything(viewer):
        return Q()
    accounts = registry.account_visibility()
    mine = Q(account_id__in=accounts(tenant, viewer)) if accounts else Q(account_id__in=[])
    if can(viewer, Right.VIEW_ALL_ACCOUNTS):
        # narrowed to a scope: what belongs to no account tells of the whole tenant, such as an import's counts
        return mine | Q(account_id=None, actor_id=str(viewer.user_id), actor_kind="person")
    for prefix, provider in registry.visibility().items():
        mine |= Q(account_id=None, object_type__startswith=prefix) & provider(tenant, viewer)
    return mine


def account_label(tenant: Tenant, *, account_id: int) -> str:
    """What the account was called when it was last the object of an event; the caller has checked visibility."""
    rows = AuditEvent.objects.filter(
        tenant_id=tenant.pk, object_type="accounts.account", object_id=str(account_id)
    )
    found = rows.order_by("-at", "-id").values_list("object_label", flat=True).first()
    return found or f"Account {account_id}"


def last_verification(tenant: Tenant) -> AuditEvent | None:
    rows = AuditEvent.objects.filter(tenant_id=tenant.pk, object_type=CHAIN, object_id=tenant.slug)
    return rows.order_by("-at", "-id").first()


def newest_seal(tenant: Tenant) -> AuditSeal | None:
    return AuditSeal.objects.for_tenant(tenant).order_by("-seq").first()


def seal_number(tenant: Tenant, *, seq: int) -> AuditSeal | None:
    return AuditSeal.objects.for_tenant(tenant).filter(seq=seq).first()


def seals_after(tenant: Tenant, *, after: int, upto: int, limit: int) -> list[AuditSeal]:
    rows = AuditSeal.objects.for_tenant(tenant).filter(seq__gt=after, seq__lte=upto)
    return list(rows.order_by("seq")[:limit])


def count_settled_after(tenant: Tenant, *, after: Key) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_event WHERE tenant_id = %s AND (epoch, xid, id) > (%s, %s, %s) "  # noqa: S608
            f"AND {log.settled()}",
            [tenant.pk, *after],
        )
        row: Any = cursor.fetchone()
    return int(row[0])
