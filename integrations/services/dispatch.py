"""One step of sending: take the next write under a lease, and write down what came of it (ADR 0010).

The dispatcher (`integrations.tasks`) commits the lease, calls the endpoint outside of any transaction, and commits the
outcome. Whichever of the three is cut off, the row tells the next dispatcher where it stands.
"""

import hashlib
import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit import services as audit
from config.secrets import SecretUnreadable, unseal
from integrations.clients.errors import (
    DeliveryFailed,
    Forbidden,
    Gone,
    Invalid,
    OutcomeUnknown,
    Retryable,
)
from integrations.clients.messages import Message, Receipt
from integrations.models import Connection, WriteAttempt, WriteIntent
from integrations.queries import outbound as queries
from integrations.services.endpoints import PURPOSE
from integrations.services.outbound import body_of, is_as_approved, record, ring, wrong_mark
from tenants.access import SYSTEM
from tenants.models import Tenant

State = WriteIntent.State
logger = logging.getLogger("holdfast.outbox")

LEASE = timedelta(seconds=90)  # well over the time limit of a call; after it the write may be taken again
MOST_ATTEMPTS = 8
LONGEST_RUN = timedelta(hours=24)
FIRST_DELAY, LONGEST_DELAY = 2.0, 900.0  # seconds: the ceiling after the first failure, and at most
GONE = "The receiver answered 410 Gone, so the endpoint was disabled. It will be sent when another is set up."
CHANGED = "Its content is no longer the one that was approved. It needs a new request."
LOST = "The worker stopped while it was sending. It may have arrived or not; the receiver can tell by the id."


@dataclass(frozen=True)
class Parcel:
    """What one attempt needs, as plain data: nothing of it is read from a table while the call is under way."""

    intent_id: int
    attempt: int  # of the current run; only who holds this number may write the outcome
    url: str
    secrets: tuple[str, ...]
    message: Message
    started_at: datetime


@transaction.atomic
def take_next(tenant: Tenant, *, connection_id: int) -> Parcel | None:
    """Lease the next due write of an endpoint; None when there is none or the endpoint does not send.

    Writes that may not leave (sandbox rule, secret that cannot be read, attempts used up) are settled on the way.
    """
    endpoint = queries.endpoint(tenant, connection_id=connection_id)
    if endpoint is None or endpoint.state == Connection.State.PAUSED:
        return None
    while intent := queries.due_head_for_update(tenant, connection_id=connection_id, now=timezone.now()):
        if intent.state == State.LEASED and _lease_lost(intent):
            continue
        refusal = _refusal(tenant, endpoint, intent)
        if refusal:
            _block(intent, reason=refusal)
            continue
        try:
            secrets = _secrets(endpoint)
        except SecretUnreadable as error:
            _block(intent, reason=f"The signing secret cannot be read ({error}). Rotate it.")
            continue
        return _lease(intent, endpoint, secrets)
    return None


@transaction.atomic
def succeed(tenant: Tenant, parcel: Parcel, *, receipt: Receipt, milliseconds: int) -> None:
    """The receiver took it."""
    intent = _mine(tenant, parcel)
    if intent is None:
        return
    attempt = _attempt(intent, parcel, outcome="done", milliseconds=milliseconds)
    attempt.status, attempt.response_excerpt, attempt.error = receipt.status, receipt.excerpt, receipt.remark
    attempt.save(force_insert=True)
    intent.state, intent.done_at = State.DONE, timezone.now()
    intent.lease_until, intent.last_error = None, ""
    intent.save(update_fields=["state", "done_at", "lease_until", "last_error"])
    record(intent, "integrations.write_done", by=SYSTEM)


@transaction.atomic
def fail(tenant: Tenant, parcel: Parcel, *, error: DeliveryFailed, milliseconds: int) -> None:
    """It was not taken, or nobody knows: try later, give up, or leave it to a person."""
    intent = _mine(tenant, parcel)
    if intent is None:
        return
    attempt = _attempt(intent, parcel, outcome=outcome_of(error), milliseconds=milliseconds)
    attempt.status, attempt.response_excerpt, attempt.error = error.status, error.excerpt, error.words
    attempt.save(force_insert=True)
    if isinstance(error, Gone):
        _disable(intent)
    elif isinstance(error, Invalid | Forbidden):
        _block(intent, reason=error.words)
    else:
        _later_or_dead(intent, reason=error.words, after=getattr(error, "after", None))


@transaction.atomic
def ring_next(tenant: Tenant, *, connection_id: int, not_before: datetime | None = None) -> None:
    """Have the dispatcher come back when the next write is due; called after it let go of its lock.

    A dispatcher that found the lock taken has gone away at once, and relies on this look at what it came for.
    """
    due = queries.next_due(tenant, connection_id=connection_id)
    if due is None:
        return
    due = max(due, not_before) if not_before else due
    # rounded up, so that several endings in one second share one job and it never comes too early
    at = due.replace(microsecond=0) + timedelta(seconds=1)
    ring(tenant, connection_id=connection_id, at=None if due <= timezone.now() else at)


def outcome_of(error: DeliveryFailed) -> str:
    """The word of the delivery log for a failure."""
    names = {
        Retryable: "retry",
        OutcomeUnknown: "unknown",
        Invalid: "refused",
        Forbidden: "forbidden",
        Gone: "gone",
    }
    return names.get(type(error), "failed")


def delay_after(attempts: int) -> float:
    """Seconds until the next try, full jitter: anything up to 2, 4, 8, … at most 15 minutes."""
    return random.uniform(0.0, min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempts - 1)))  # noqa: S311  no secret


def _lease(intent: WriteIntent, endpoint: Connection, secrets: tuple[str, ...]) -> Parcel:
    now = timezone.now()
    intent.state, intent.lease_until = State.LEASED, now + LEASE
    intent.attempts += 1
    intent.save(update_fields=["state", "lease_until", "attempts"])
    message = Message(intent.idempotency_key, body_of(intent))
    return Parcel(intent.pk, intent.attempts, endpoint.url, secrets, message, now)


def _mine(tenant: Tenant, parcel: Parcel) -> WriteIntent | None:
    """The row, if this dispatcher still holds its lease; its outcome is nobody's business otherwise."""
    intent = queries.intent_for_update(tenant, intent_id=parcel.intent_id)
    if intent.state == State.LEASED and intent.attempts == parcel.attempt:
        return intent
    logger.warning("write %s: attempt %s came back after its lease was lost", intent.pk, parcel.attempt)
    return None


def _attempt(intent: WriteIntent, parcel: Parcel, *, outcome: str, milliseconds: int) -> WriteAttempt:
    return WriteAttempt(
        tenant=intent.tenant,
        intent=intent,
        attempt=queries.last_attempt_number(intent.tenant, intent) + 1,
        started_at=parcel.started_at,
        milliseconds=milliseconds,
        outcome=outcome,
        request_hash=hashlib.sha256(parcel.message.body.encode()).hexdigest(),
        request_body=parcel.message.body,
    )


def _lease_lost(intent: WriteIntent) -> bool:
    """Write down the attempt that nobody finished; True when it was the last one."""
    started = (intent.lease_until or timezone.now()) - LEASE
    message = Message(intent.idempotency_key, body_of(intent))
    parcel = Parcel(intent.pk, intent.attempts, "", (), message, started)
    attempt = _attempt(intent, parcel, outcome="lease_lost", milliseconds=int(LEASE.total_seconds() * 1000))
    attempt.error = LOST
    attempt.save(force_insert=True)
    if not _used_up(intent):
        return False
    _give_up(intent, reason=LOST)
    return True


def _refusal(tenant: Tenant, endpoint: Connection, intent: WriteIntent) -> str:
    """Why it may not leave, asked again at every send: endpoint or row may have changed since the plan."""
    if not is_as_approved(intent):
        return CHANGED
    if endpoint.is_sandbox != tenant.is_sandbox:
        return wrong_mark(tenant)
    return GONE if endpoint.state == Connection.State.DISABLED else ""


def _secrets(endpoint: Connection) -> tuple[str, ...]:
    """The secret, and the one before it while that still counts."""
    secrets = [unseal(endpoint.secret_sealed, purpose=PURPOSE)]
    until = endpoint.previous_secret_until
    if endpoint.previous_secret_sealed and until is not None and until > timezone.now():
        secrets.append(unseal(endpoint.previous_secret_sealed, purpose=PURPOSE))
    return tuple(secrets)


def _used_up(intent: WriteIntent) -> bool:
    started = queries.run_started_at(intent.tenant, intent)
    return intent.attempts >= MOST_ATTEMPTS or timezone.now() - started >= LONGEST_RUN


def _later_or_dead(intent: WriteIntent, *, reason: str, after: float | None) -> None:
    if _used_up(intent):
        _give_up(intent, reason=reason)
        return
    delay = max(delay_after(intent.attempts), after or 0.0)
    intent.state, intent.lease_until = State.RETRY_WAIT, None
    intent.next_at, intent.last_error = timezone.now() + timedelta(seconds=delay), reason
    intent.save(update_fields=["state", "lease_until", "next_at", "last_error"])
    if after and intent.connection_id is not None:
        _rest(intent.tenant, connection_id=intent.connection_id, until=intent.next_at)


def _rest(tenant: Tenant, *, connection_id: int, until: datetime) -> None:
    """The receiver asked to be left alone: that goes for the endpoint's other lines and for what is planned next."""
    queries.waiting_at(tenant, connection_id=connection_id).filter(next_at__lt=until).update(next_at=until)
    own = Connection.objects.for_tenant(tenant).filter(pk=connection_id)
    own.filter(Q(rests_until=None) | Q(rests_until__lt=until)).update(rests_until=until)


def _give_up(intent: WriteIntent, *, reason: str) -> None:
    intent.state, intent.lease_until, intent.last_error = State.DEAD, None, reason
    intent.save(update_fields=["state", "lease_until", "last_error"])
    record(intent, "integrations.write_dead", by=SYSTEM, reason=reason)


def _block(intent: WriteIntent, *, reason: str) -> None:
    intent.state, intent.lease_until, intent.last_error = State.BLOCKED, None, reason
    intent.save(update_fields=["state", "lease_until", "last_error"])
    record(intent, "integrations.write_blocked", by=SYSTEM, reason=reason)


def _disable(intent: WriteIntent) -> None:
    """410: nothing goes to this endpoint any more; what waits there is blocked until another one is set up."""
    endpoint = queries.endpoint_for_update(intent.tenant, connection_id=intent.connection_id or 0)
    if endpoint.state != Connection.State.DISABLED:
        before = {"state": str(endpoint.state)}
        endpoint.state = Connection.State.DISABLED
        endpoint.version += 1
        endpoint.save(update_fields=["state", "version"])
        audit.record(
            intent.tenant,
            verb="integrations.endpoint_disabled",
            by=SYSTEM,
            subject=endpoint,
            before=before,
            after={"state": str(endpoint.state), "reason": "410 Gone"},
        )
    _block(intent, reason=GONE)
    for waiting in queries.waiting_at(intent.tenant, connection_id=endpoint.pk).select_for_update():
        _block(waiting, reason=GONE)
