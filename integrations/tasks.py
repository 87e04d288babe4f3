"""What the jobs run: the import of a bundle; the dispatcher of the outbox and its sweep."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from integrations.clients.addresses import Network, parse_networks
from integrations.clients.errors import DeliveryFailed, OutcomeUnknown, Retryable
from integrations.clients.messages import TIMEOUT
from integrations.queries import outbound as queries
from integrations.services import dispatch as services
from integrations.services.outbound import allowed_networks, release_waiting, ring
from jobs.lease import lease
from jobs.progress import Progress
from tenants.access import SYSTEM
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

# One file lands in one transaction, however many rows it has, so its job cannot be cut into pieces of two minutes.
IMPORT_SECONDS = 3600
DISPATCHER_CLASS = 7320  # of the advisory locks, one for each endpoint
LONGEST_RUN = 60.0  # seconds of one job; what is left gets the next one
MISSES = 3  # failures in a row after which an endpoint gets a rest, so that a dead one does not hold a worker
REST = timedelta(seconds=30)


def import_bundle(tenant: Tenant, progress: Progress, *, bundle_id: int) -> dict[str, Any]:
    """Bring an uploaded bundle in."""
    from integrations.importing import job  # loads polars, which the web's processes do without

    return job.run(tenant, progress, bundle_id=bundle_id)


def dispatch(
    tenant: Tenant, progress: Progress, *, connection_id: int, timeout: float = TIMEOUT
) -> dict[str, Any]:
    """Send what is due at one endpoint: one dispatcher at a time, the network only between transactions.

    Harmless to run twice: who does not get the lock leaves at once, and who has it looks again after letting go.
    """
    with lease(connection_id, of_class=DISPATCHER_CLASS) as obtained:
        if not obtained:
            return {"sent": 0, "busy": True}
        sent, misses = _send_all(tenant, progress, connection_id=connection_id, timeout=timeout)
    rest = timezone.now() + REST if misses >= MISSES else None
    with tenant_transaction(tenant.pk):
        services.ring_next(tenant, connection_id=connection_id, not_before=rest)
    return {"sent": sent, "busy": False}


def _send_all(tenant: Tenant, progress: Progress, *, connection_id: int, timeout: float) -> tuple[int, int]:
    """Until nothing is due, the time is over or the endpoint fails too often. Returns calls and misses in a row."""
    started = time.monotonic()
    allowed = parse_networks(allowed_networks())
    sent = misses = 0
    while misses < MISSES and time.monotonic() - started < LONGEST_RUN:
        with tenant_transaction(tenant.pk):
            parcel = services.take_next(tenant, connection_id=connection_id)
        if parcel is None:
            break
        misses = 0 if _send(tenant, parcel, allowed=allowed, timeout=timeout) else misses + 1
        sent += 1
        progress(sent)
    return sent, misses


def _send(tenant: Tenant, parcel: services.Parcel, *, allowed: Sequence[Network], timeout: float) -> bool:
    """One call and its outcome; False when the endpoint is in trouble, whatever the message."""
    from integrations.clients import webhook  # its http client is loaded where something is sent

    started = time.monotonic()
    try:
        receipt = webhook.deliver(
            parcel.url,
            parcel.message,
            secrets=parcel.secrets,
            allowed=allowed,
            timeout=timeout,
        )
    except DeliveryFailed as error:
        with tenant_transaction(tenant.pk):
            services.fail(tenant, parcel, error=error, milliseconds=_since(started))
        return not isinstance(error, Retryable | OutcomeUnknown)
    with tenant_transaction(tenant.pk):
        services.succeed(tenant, parcel, receipt=receipt, milliseconds=_since(started))
    return True


def sweep(tenant: Tenant, progress: Progress) -> dict[str, Any]:
    """Find what was left lying: writes whose job died, and writes planned just while their endpoint was made."""
    freed = release_waiting(tenant, by=SYSTEM)
    overdue = queries.overdue_endpoints(tenant, since=timezone.now() - timedelta(minutes=2))
    for connection_id in overdue:
        ring(tenant, connection_id=connection_id)
    return {"freed": freed, "rung": len(overdue)}


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
