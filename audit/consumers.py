"""Those who read the log along: each consumer has a cursor per tenant, and gets every event at least once (ADR 0004).

The cursor moves in the same transaction as the handler's work, so a batch that fails is tried again as a whole: first
by its job's back-off, then it stands as a failed job on the jobs page, and other consumers go on.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit import log, registry
from audit.events import ORIGIN, Event, Key
from audit.models import AuditCursor
from jobs import queries as jobs
from jobs import registry as job_registry
from jobs.models import Job
from jobs.services import schedule_key
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

__all__ = ["Event", "consume_now", "register"]

BATCH = 500
LOOK_EVERY = timedelta(seconds=5)
REST_AFTER_FAILURE = timedelta(hours=1)
KIND = "audit.consume"


def register(name: str, verbs: Sequence[str], handler: registry.Handler) -> None:
    """Have `handler(tenant, events)` called, inside the tenant's transaction, with settled events of these verbs.

    Events come in the log's order, at most 500 a batch. The handler must be harmless when given one twice.
    """
    registry.add_consumer(name, verbs, handler)
    job_registry.schedule(
        schedule_name(name),
        kind=KIND,
        every=LOOK_EVERY,
        when=lambda tenant: has_news(tenant, name),
        consumer=name,
    )


def schedule_name(name: str) -> str:
    return f"{KIND}:{name}"


def consume_now(tenant: Tenant, name: str) -> int:
    """Hand over everything that is settled, batch by batch, each in its own transaction; how many events that were.

    In a test case's transaction, the events written there count too.
    """
    if connection.in_atomic_block and not log.in_test_case():
        raise transaction.TransactionManagementError("consume_now() opens its own transactions")
    handled = 0
    while True:
        count, more = _consume_batch(tenant, registry.consumers[name])
        handled += count
        if not more:
            return handled


def run(tenant: Tenant, progress: Any, *, consumer: str) -> dict[str, int]:
    """The job: the same, batch by batch, reporting how far it is."""
    handled = 0
    more = True
    while more:
        count, more = _consume_batch(tenant, registry.consumers[consumer])
        handled += count
        progress(handled)
    return {"events": handled}


def has_news(tenant: Tenant, name: str) -> bool:
    """Whether settled events wait, and the consumer is not resting after a failure that a person should look at."""
    cursor = AuditCursor.objects.for_tenant(tenant).filter(consumer=name).first()
    if not log.has_settled_after(tenant, after=_place(cursor)):
        return False
    last = jobs.newest_job(tenant, kind=KIND, dedupe_key=schedule_key(schedule_name(name)))
    if last is None or last.state != Job.State.DEAD or last.finished_at is None:
        return True
    return last.finished_at < timezone.now() - REST_AFTER_FAILURE


def _consume_batch(tenant: Tenant, consumer: registry.Consumer) -> tuple[int, bool]:
    """One batch under the cursor's lock; (events handed over, whether there may be more)."""
    with tenant_transaction(tenant.pk):
        cursor = _locked_cursor(tenant, consumer.name)
        rows = log.settled_after(tenant, after=_place(cursor), limit=BATCH)
        if not rows:
            return 0, False
        events = [event for event in map(log.event_of, rows) if event.verb in consumer.verbs]
        if events:
            with transaction.atomic():
                consumer.handler(tenant, events)
        cursor.epoch, cursor.xid, cursor.event_id = log.key_of(rows[-1])
        cursor.moved_at = timezone.now()
        cursor.save(update_fields=["epoch", "xid", "event_id", "moved_at"])
    return len(events), len(rows) == BATCH


def _locked_cursor(tenant: Tenant, name: str) -> AuditCursor:
    """Two runners of one consumer wait for each other here."""
    AuditCursor.objects.bulk_create([AuditCursor(tenant=tenant, consumer=name)], ignore_conflicts=True)
    return AuditCursor.objects.for_tenant(tenant).select_for_update().get(consumer=name)


def _place(cursor: AuditCursor | None) -> Key:
    return ORIGIN if cursor is None else (cursor.epoch, cursor.xid, cursor.event_id)
