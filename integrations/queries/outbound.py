"""Reads of the outbox: endpoints, the line of each ordering key, the delivery log."""

from datetime import datetime

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Account
from accounts.queries import visible_accounts
from integrations.models import Connection, WriteAttempt, WriteIntent
from tenants.access import Right, can
from tenants.models import Membership, Tenant

State = WriteIntent.State
WAITING = (State.READY, State.RETRY_WAIT)
MOVING = (*WAITING, State.LEASED)
# what keeps later writes of the same key from leaving: not sent yet, or a person has to look
HOLDS_LINE = (*WAITING, State.LEASED, State.UNKNOWN, State.CONFLICT, State.BLOCKED)


# --- endpoints ----------------------------------------------------------------------------------


def endpoints(tenant: Tenant) -> QuerySet[Connection]:
    """A tenant's endpoints, oldest first: the first usable one is the default."""
    return Connection.objects.for_tenant(tenant).filter(kind=Connection.Kind.WEBHOOK).order_by("pk")


def endpoint(tenant: Tenant, *, connection_id: int) -> Connection | None:
    return endpoints(tenant).filter(pk=connection_id).first()


def endpoint_for_update(tenant: Tenant, *, connection_id: int) -> Connection:
    return endpoints(tenant).select_for_update().get(pk=connection_id)


def default_endpoint(tenant: Tenant) -> Connection | None:
    """Where writes go: the oldest active endpoint that is marked for this tenant's environment."""
    usable = endpoints(tenant).filter(state=Connection.State.ACTIVE, is_sandbox=tenant.is_sandbox)
    return usable.first()


def is_usable(tenant: Tenant, connection: Connection) -> bool:
    """Active, and of the tenant's environment: nothing of a sandbox leaves but to a sandbox, nor the other way."""
    return connection.state == Connection.State.ACTIVE and connection.is_sandbox == tenant.is_sandbox


# --- the line -----------------------------------------------------------------------------------


def intent_of_key(tenant: Tenant, *, key: str) -> WriteIntent | None:
    return WriteIntent.objects.for_tenant(tenant).filter(idempotency_key=key).first()


def intent_for_update(tenant: Tenant, *, intent_id: int) -> WriteIntent:
    return WriteIntent.objects.for_tenant(tenant).select_for_update().get(pk=intent_id)


def last_seq(tenant: Tenant, *, ordering_key: str) -> int:
    """The highest place given in this line, over all endpoints, so that a write can move to another endpoint."""
    rows = WriteIntent.objects.for_tenant(tenant).filter(ordering_key=ordering_key)
    return rows.aggregate(last=Max("seq"))["last"] or 0


def waiting_for_endpoint(tenant: Tenant) -> QuerySet[WriteIntent]:
    """Blocked for want of an endpoint: none was there, theirs is gone for good, or is not of our environment."""
    unusable = (
        Q(connection=None)
        | Q(connection__state=Connection.State.DISABLED)
        | ~Q(connection__is_sandbox=tenant.is_sandbox)
    )
    blocked = WriteIntent.objects.for_tenant(tenant).filter(unusable, state=State.BLOCKED)
    return WriteIntent.objects.for_tenant(tenant).filter(pk__in=blocked.values("pk"))


def refused_by(tenant: Tenant, *, connection_id: int) -> QuerySet[WriteIntent]:
    return WriteIntent.objects.for_tenant(tenant).filter(connection=connection_id, state=State.BLOCKED)


def heads(tenant: Tenant, *, connection_id: int) -> QuerySet[WriteIntent]:
    """The first unfinished write of each line of an endpoint, if it is one that can be sent at some time."""
    lines = WriteIntent.objects.for_tenant(tenant).filter(connection=connection_id)
    earlier = lines.filter(
        ordering_key=OuterRef("ordering_key"), seq__lt=OuterRef("seq"), state__in=HOLDS_LINE
    )
    return lines.filter(~Exists(earlier), state__in=MOVING)


def due_head_for_update(tenant: Tenant, *, connection_id: int, now: datetime) -> WriteIntent | None:
    """The longest waiting head that is due, locked; a lease that has run out counts as due."""
    due = heads(tenant, connection_id=connection_id).filter(
        Q(state__in=WAITING, next_at__lte=now) | Q(state=State.LEASED, lease_until__lte=now)
    )
    return due.order_by("next_at", "pk").select_for_update(of=("self",), skip_locked=True).first()


def next_due(tenant: Tenant, *, connection_id: int) -> datetime | None:
    """When the dispatcher of this endpoint is needed next; None when nothing waits or the endpoint is paused."""
    found = heads(tenant, connection_id=connection_id).aggregate(
        waiting=Min("next_at", filter=Q(state__in=WAITING)),
        leased=Min("lease_until", filter=Q(state=State.LEASED)),
        paused=Count("pk", filter=Q(connection__state=Connection.State.PAUSED)),
    )
    return None if found["paused"] else min(filter(None, (found["waiting"], found["leased"])), default=None)


def waiting_at(tenant: Tenant, *, connection_id: int) -> QuerySet[WriteIntent]:
    """What an endpoint has still to send and is not sending."""
    return WriteIntent.objects.for_tenant(tenant).filter(connection=connection_id, state__in=WAITING)


def overdue_endpoints(tenant: Tenant, *, since: datetime) -> list[int]:
    """Endpoints with something to settle that nobody has touched since then; a paused one is left alone."""
    rows = WriteIntent.objects.for_tenant(tenant).filter(
        Q(state__in=WAITING, next_at__lte=since) | Q(state=State.LEASED, lease_until__lte=since),
        connection__state__in=(Connection.State.ACTIVE, Connection.State.DISABLED),
    )
    return sorted(rows.values_list("connection_id", flat=True).distinct())


def ahead_of(tenant: Tenant, intent: WriteIntent) -> WriteIntent | None:
    """The earlier write of the same line that this one waits for."""
    if intent.state not in WAITING or intent.connection_id is None:
        return None
    line = WriteIntent.objects.for_tenant(tenant).filter(
        connection=intent.connection_id, ordering_key=intent.ordering_key
    )
    return line.filter(seq__lt=intent.seq, state__in=HOLDS_LINE).order_by("seq").first()


# --- attempts -----------------------------------------------------------------------------------


def attempts_of(tenant: Tenant, intent: WriteIntent) -> QuerySet[WriteAttempt]:
    return WriteAttempt.objects.for_tenant(tenant).filter(intent=intent).order_by("attempt")


def last_attempt_number(tenant: Tenant, intent: WriteIntent) -> int:
    return attempts_of(tenant, intent).aggregate(last=Max("attempt"))["last"] or 0


def run_started_at(tenant: Tenant, intent: WriteIntent) -> datetime:
    """When the first of the current attempts was made: a replay starts a new run of them."""
    newest = attempts_of(tenant, intent).order_by("-attempt")[: max(1, intent.attempts)]
    return min((row.started_at for row in newest), default=timezone.now())


# --- what people read ---------------------------------------------------------------------------


def deliveries(
    tenant: Tenant, viewer: Membership, *, state: str = "", kind: str = "", account: str = ""
) -> QuerySet[WriteIntent]:
    """The delivery log, newest first, with the account's name: of the accounts that the viewer may see.

    Writes of no account (test events) are for those who run the integrations. `account` is an id of the account's
    source, or a part of its name.
    """
    seen = visible_accounts(tenant, viewer)
    mine = Q(account_id__in=seen.values("pk"))
    if can(viewer, Right.INTEGRATIONS):
        mine |= Q(account_id=None)
    rows = _named(tenant, WriteIntent.objects.for_tenant(tenant).filter(mine)).order_by("-pk")
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    if account:
        found = seen.filter(Q(external_id__iexact=account) | Q(name__icontains=account))
        rows = rows.filter(account_id__in=found.values("pk"))
    return rows


def delivery(tenant: Tenant, viewer: Membership, *, intent_id: int) -> WriteIntent | None:
    return deliveries(tenant, viewer).filter(pk=intent_id).first()


def counts_by_state(tenant: Tenant, viewer: Membership) -> dict[str, int]:
    rows = deliveries(tenant, viewer).order_by().values("state").annotate(count=Count("pk"))
    return {row["state"]: row["count"] for row in rows}


def counts_by_endpoint(tenant: Tenant) -> dict[int | None, dict[str, int]]:
    """How many writes of each endpoint wait, are blocked or failed; None stands for those without an endpoint."""
    rows = WriteIntent.objects.for_tenant(tenant).order_by().values_list("connection_id")
    counted = rows.annotate(
        waiting=Count("pk", filter=Q(state__in=MOVING)),
        blocked=Count("pk", filter=Q(state=State.BLOCKED)),
        failed=Count("pk", filter=Q(state=State.DEAD)),
    )
    return {
        endpoint: {"waiting": waiting, "blocked": blocked, "failed": failed}
        for endpoint, waiting, blocked, failed in counted
    }


def newest_of_endpoint(tenant: Tenant, viewer: Membership, endpoint: Connection) -> QuerySet[WriteIntent]:
    return deliveries(tenant, viewer).filter(connection=endpoint)


def for_account(tenant: Tenant, viewer: Membership, account: Account) -> QuerySet[WriteIntent]:
    """What was written back about one account, newest first; nothing for who may not see the account."""
    return deliveries(tenant, viewer).filter(account_id=account.pk)


def _named(tenant: Tenant, rows: QuerySet[WriteIntent]) -> QuerySet[WriteIntent]:
    """With endpoint, and the account's name as `account_name`."""
    name = Account.objects.for_tenant(tenant).filter(pk=OuterRef("account_id")).values("name")[:1]
    return rows.select_related("connection").annotate(account_name=Subquery(name))
