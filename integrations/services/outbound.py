"""The outbox: a write is planned in the transaction of the change that asks for it (ADR 0010).

It leaves later, through `integrations.tasks.dispatch`. Whatever happens in between, the row says so.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from approvals.digests import canonical, digest_of, plain
from audit import services as audit
from integrations.clients.messages import MAX_BODY
from integrations.exceptions import IdempotencyConflict, NotAsApproved, NotPossible, PayloadTooLarge
from integrations.models import Connection, WriteIntent
from integrations.queries import outbound as queries
from jobs import services as jobs
from tenants.access import Actor
from tenants.models import Tenant

State = WriteIntent.State
REPLAYABLE = (State.DEAD, State.BLOCKED)
CANCELLABLE = (State.READY, State.RETRY_WAIT, State.BLOCKED, State.DEAD)
# what a receiver reads in `type`; a kind that is not here goes by its own name
TYPES = {"concession": "play.concession_approved", "test": "endpoint.test"}
NO_ENDPOINT = "No endpoint takes this yet. It will be sent as soon as one is set up or resumed."
FOR_SANDBOX_ONLY = "The endpoint is marked as sandbox: writes of a production workspace do not go there."
NO_SANDBOX_ENDPOINT = "This is a sandbox: writes leave only to an endpoint that is marked as sandbox."


@transaction.atomic
def plan_write(
    tenant: Tenant,
    *,
    kind: str,
    account_id: int | None,
    ordering_key: str,
    target: dict[str, Any],
    fields: dict[str, Any],
    business_key: str,
    approval_ref: str = "",
    digest: str,
    correlation_id: str,
    by: Actor,
    endpoint: Connection | None = None,
) -> WriteIntent:
    """Put one write into the outbox, inside the caller's transaction, and ring the dispatcher.

    `business_key` names the event that asks for it: planned again with the same content, the same row comes back;
    with other content IdempotencyConflict is raised. Without a usable endpoint the row waits, blocked.
    `endpoint` overrides the tenant's default (a test event goes to the one that is tested).
    """
    key = idempotency_key(tenant, kind=kind, target=target, business_key=business_key, names=fields)
    wanted = WriteIntent(
        tenant=tenant, ordering_key=ordering_key, kind=kind, account_id=account_id, target=plain(target),
        fields=plain(fields), idempotency_key=key, plan_hash=digest, approval_ref=approval_ref,
        correlation_id=correlation_id, requested_by_label=by.label[:300],
    )  # fmt: skip
    if not is_as_approved(wanted):
        raise NotAsApproved(f"{kind} for {approval_ref}: the digest is not that of the fields")
    _check_size(wanted)
    return _put_once(wanted, endpoint=endpoint, by=by)


def _put_once(wanted: WriteIntent, *, endpoint: Connection | None, by: Actor) -> WriteIntent:
    """Into its line; or the row that is there already for the same event."""
    _lock_line(wanted.tenant, wanted.ordering_key)
    existing = queries.intent_of_key(wanted.tenant, key=wanted.idempotency_key)
    if existing is not None:
        _check_same(existing, wanted)
        return existing
    _place(wanted, endpoint or queries.default_endpoint(wanted.tenant))
    wanted.save(force_insert=True)
    _announce(wanted, by)
    return wanted


def _announce(planned: WriteIntent, by: Actor) -> None:
    """On record, and the dispatcher rung, unless there is nowhere to send it."""
    record(planned, "integrations.write_planned", by=by)
    if planned.state == State.BLOCKED:
        record(planned, "integrations.write_blocked", by=by, reason=planned.last_error)
    elif planned.connection_id is not None:
        ring(planned.tenant, connection_id=planned.connection_id)


def idempotency_key(
    tenant: Tenant, *, kind: str, target: dict[str, Any], business_key: str, names: Iterable[str]
) -> str:
    """What makes a write the same write, whenever it is planned, sent or replayed; also the webhook's id."""
    parts = [tenant.pk, Connection.Kind.WEBHOOK.value, kind, target, business_key, sorted(names)]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def is_as_approved(intent: WriteIntent) -> bool:
    """Whether the content is the one that the yes was given to; a write that needed none has nothing to compare."""
    return not intent.approval_ref or digest_of(intent.fields) == intent.plan_hash


def body_of(intent: WriteIntent) -> str:
    """The exact text that is sent, the same at every try: nothing in it depends on when it is sent."""
    content = {
        "type": f"holdfast.{TYPES.get(intent.kind, intent.kind)}",
        "timestamp": stamp(intent.created_at),
        "data": {
            "target": intent.target,
            "fields": intent.fields,
            "approval_ref": intent.approval_ref,
            "correlation_id": intent.correlation_id,
        },
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@transaction.atomic
def release_waiting(tenant: Tenant, *, by: Actor) -> int:
    """Give the writes that wait for an endpoint to the default one, in their order. Returns how many."""
    endpoint = queries.default_endpoint(tenant)
    if endpoint is None:
        return 0
    freed = queries.waiting_for_endpoint(tenant).update(
        connection=endpoint, state=State.READY, last_error="", next_at=timezone.now(), attempts=0
    )
    if freed:
        _record_released(endpoint, count=freed, by=by)
    ring(tenant, connection_id=endpoint.pk)
    return freed


@transaction.atomic
def retry_refused(endpoint: Connection, *, by: Actor) -> int:
    """Send again what this endpoint refused, because what it was refused for has been changed."""
    tenant = endpoint.tenant
    freed = queries.refused_by(tenant, connection_id=endpoint.pk).update(
        state=State.READY, last_error="", next_at=timezone.now(), attempts=0
    )
    if freed:
        _record_released(endpoint, count=freed, by=by)
        ring(tenant, connection_id=endpoint.pk)
    return freed


@transaction.atomic
def replay(tenant: Tenant, *, intent_id: int, by: Actor) -> WriteIntent:
    """Send a failed or blocked write once more, under the same idempotency key and with fresh attempts."""
    intent = queries.intent_for_update(tenant, intent_id=intent_id)
    if intent.state == State.DONE:
        raise NotPossible("It was written back already. Sending it again could do it twice.")
    if intent.state not in REPLAYABLE:
        raise NotPossible(
            f"Only a failed or blocked write can be sent again; this one is “{intent.get_state_display()}”."
        )
    endpoint = intent.connection
    if endpoint is None or not queries.is_usable(tenant, endpoint):
        endpoint = queries.default_endpoint(tenant)
    if endpoint is None:
        raise NotPossible(no_endpoint(tenant))
    before = {"state": intent.state, "attempts": intent.attempts}
    intent.connection, intent.state, intent.attempts = endpoint, State.READY, 0
    intent.next_at, intent.last_error = timezone.now(), ""
    intent.save(update_fields=["connection", "state", "attempts", "next_at", "last_error"])
    record(intent, "integrations.write_replayed", by=by, before=before)
    ring(tenant, connection_id=endpoint.pk)
    return intent


@transaction.atomic
def cancel(tenant: Tenant, *, intent_id: int, by: Actor) -> WriteIntent:
    """Give up a write that has not left, so that later ones of its account can go."""
    intent = queries.intent_for_update(tenant, intent_id=intent_id)
    if intent.state not in CANCELLABLE:
        raise NotPossible(f"It cannot be cancelled any more: it is “{intent.get_state_display()}”.")
    before = {"state": intent.state}
    intent.state = State.CANCELLED
    intent.save(update_fields=["state"])
    record(intent, "integrations.write_cancelled", by=by, before=before)
    if intent.connection_id is not None:
        ring(tenant, connection_id=intent.connection_id)
    return intent


def ring(tenant: Tenant, *, connection_id: int, at: datetime | None = None) -> None:
    """Wake the dispatcher of one endpoint: now, when this transaction commits, or at a later moment.

    One job a transaction and endpoint, not one an endpoint: a waiting job of another transaction may start and find
    nothing before ours commits, and our write would lie there until the next sweep.
    """
    when = f"at:{at:%Y%m%dT%H%M%S}" if at else f"tx:{_transaction_id()}"
    jobs.enqueue(
        tenant,
        kind="integrations.dispatch",
        args={"connection_id": connection_id},
        dedupe_key=f"integrations.dispatch:{connection_id}:{when}",
        not_before=at,
    )


def record(
    intent: WriteIntent, verb: str, *, by: Actor, before: dict[str, Any] | None = None, reason: str = ""
) -> None:
    """One event about a write; what it carries stays in the outbox, the log says which and to what."""
    after: dict[str, Any] = {"kind": intent.kind, "target": intent.target}
    audit.record(
        intent.tenant,
        verb=verb,
        by=by,
        subject=intent,
        object_label=f"{intent.kind} {intent.idempotency_key[:8]}",
        account_id=intent.account_id,
        decision_ref=intent.approval_ref,
        before=before,
        after=after | ({"reason": reason} if reason else {}),
    )


def no_endpoint(tenant: Tenant) -> str:
    return NO_SANDBOX_ENDPOINT if tenant.is_sandbox else NO_ENDPOINT


def wrong_mark(tenant: Tenant) -> str:
    """Why an endpoint of the other environment takes nothing of this tenant."""
    return NO_SANDBOX_ENDPOINT if tenant.is_sandbox else FOR_SANDBOX_ONLY


def allowed_networks() -> list[str]:
    return list(settings.OUTBOUND_ALLOWED_NETWORKS)


def _place(intent: WriteIntent, endpoint: Connection | None) -> None:
    """Its endpoint, its place in the line, and whether it may go."""
    intent.seq = queries.last_seq(intent.tenant, ordering_key=intent.ordering_key) + 1
    intent.connection = endpoint
    intent.state = State.READY
    if endpoint is None:
        intent.state, intent.last_error = State.BLOCKED, no_endpoint(intent.tenant)
    elif endpoint.rests_until is not None:
        intent.next_at = max(intent.next_at, endpoint.rests_until)


def _lock_line(tenant: Tenant, ordering_key: str) -> None:
    """Writes of one key are planned one after the other, until commit: so a later seq never commits first."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"outbox:{tenant.pk}:{ordering_key}"]
        )


def _transaction_id() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])


def _check_size(intent: WriteIntent) -> None:
    size = len(body_of(intent).encode())
    if size > MAX_BODY:
        raise PayloadTooLarge(f"a webhook holds at most {MAX_BODY:,} bytes; this write has {size:,}")


def _check_same(existing: WriteIntent, wanted: WriteIntent) -> None:
    for name in ("fields", "plan_hash", "ordering_key", "account_id", "approval_ref"):
        if getattr(existing, name) != getattr(wanted, name):
            raise IdempotencyConflict(
                f"{wanted.kind} was planned before (write {existing.pk}) with another {name}: "
                "a changed write needs a business key of its own"
            )


def _record_released(endpoint: Connection, *, count: int, by: Actor) -> None:
    audit.record(
        endpoint.tenant,
        verb="integrations.writes_released",
        by=by,
        subject=endpoint,
        after={"count": count, "endpoint": endpoint.name},
    )
