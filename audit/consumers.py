"""Those who read the log along: each consumer has a cursor per tenant, and gets every event at least once (ADR 0004).

The cursor moves in the same transaction as the handler's work, so a batch that fails is tried again as a whole: first
by its job's back-off, then it stands as a failed job on the jobs page, and other consumers go on.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit import log, registry, words
from audit.events import Event, Key
from audit.models import AuditCursor
from jobs import queries as jobs
from jobs import registry as job_registry
from jobs.models import Job
from jobs.services import schedule_key
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

__all__ = ["Event", "consume_now", "register"]

BATCH = 500
LOOK_AHEAD = 5000  # places and verbs only
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
    """Whether events of its verbs wait, and it is not resting after a failure that a person should look at.

    Events that do not concern it are passed by here, so that they cost no job.
    """
    _ensure_cursor(tenant, name)
    cursor = _cursors(tenant).select_for_update(skip_locked=True).filter(consumer=name).first()
    if cursor is None:  # somebody is reading along right now
        return False
    rows = log.verbs_after(tenant, after=_place(cursor), limit=LOOK_AHEAD)
    if not any(verb in registry.consumers[name].verbs for *_, verb in rows):
        if rows:
            _move(cursor, log.key_of(rows[-1]))
        return False
    return not _is_resting(tenant, name)


def _is_resting(tenant: Tenant, name: str) -> bool:
    last = jobs.newest_job(tenant, kind=KIND, dedupe_key=schedule_key(schedule_name(name)))
    if last is None or last.state != Job.State.DEAD or last.finished_at is None:
        return False
    return last.finished_at > timezone.now() - REST_AFTER_FAILURE


def _consume_batch(tenant: Tenant, consumer: registry.Consumer) -> tuple[int, bool]:
    """One batch under the cursor's lock; (events handed over, whether there may be more)."""
    with tenant_transaction(tenant.pk):
        _ensure_cursor(tenant, consumer.name)
        cursor = _cursors(tenant).select_for_update().get(consumer=consumer.name)  # two runners wait here
        ahead = log.verbs_after(tenant, after=_place(cursor), limit=LOOK_AHEAD)
        if not ahead:
            return 0, False
        wanted = [row for row in ahead if row[-1] in consumer.verbs][:BATCH]
        last = wanted[-1] if len(wanted) == BATCH else ahead[-1]
        if wanted:
            rows = log.of_verbs(tenant, verbs=consumer.verbs, after=_place(cursor), upto=log.key_of(last))
            with transaction.atomic():
                events = [log.event_of(row) for row in rows]
                words.put_back(event.diff for event in events)
                consumer.handler(tenant, events)
        _move(cursor, log.key_of(last))
    return len(wanted), len(ahead) == LOOK_AHEAD or last is not ahead[-1]


def _ensure_cursor(tenant: Tenant, name: str) -> None:
    if not _cursors(tenant).filter(consumer=name).exists():
        AuditCursor.objects.bulk_create([AuditCursor(tenant=tenant, consumer=name)], ignore_conflicts=True)


def _cursors(tenant: Tenant) -> QuerySet[AuditCursor]:
    return AuditCursor.objects.for_tenant(tenant)


def _place(cursor: AuditCursor) -> Key:
    return cursor.epoch, cursor.xid, cursor.event_id


def _move(cursor: AuditCursor, key: Key) -> None:
    cursor.epoch, cursor.xid, cursor.event_id = key
    cursor.moved_at = timezone.now()
    cursor.save(update_fields=["epoch", "xid", "event_id", "moved_at"])
