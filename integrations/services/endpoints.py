"""Endpoints: where approved writes go, and the secrets that sign them."""

import base64
import binascii
import os
from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from approvals.digests import digest_of
from audit import services as audit
from config.secrets import SecretUnreadable, seal, unseal
from integrations.clients.addresses import check_url, parse_networks
from integrations.clients.errors import Forbidden
from integrations.exceptions import EndpointRefused, NotPossible, StaleVersion
from integrations.models import Connection, WriteIntent
from integrations.queries import outbound as queries
from integrations.services import outbound
from tenants.access import Actor
from tenants.models import Tenant

State = Connection.State
PREFIX = "whsec_"
PURPOSE = "webhook"
OVERLAP = timedelta(hours=24)  # how long a replaced secret goes on signing


def new_secret() -> str:
    """A signing secret in the form of Standard Webhooks: 32 random bytes."""
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


@transaction.atomic
def create_endpoint(
    tenant: Tenant, *, name: str, url: str, secret: str, is_sandbox: bool, by: Actor
) -> Connection:
    """Add an endpoint; writes that waited for one leave to it. Raises EndpointRefused with words for the form."""
    name = _checked_name(tenant, name)
    check_address(url)
    endpoint = Connection.objects.create(
        tenant=tenant,
        kind=Connection.Kind.WEBHOOK,
        name=name,
        url=url,
        secret_sealed=seal(checked_secret(secret), purpose=PURPOSE),
        is_sandbox=is_sandbox,
    )
    _record(endpoint, "integrations.endpoint_created", by=by, after=_shown(endpoint))
    outbound.release_waiting(tenant, by=by)
    return endpoint


@transaction.atomic
def edit_endpoint(
    tenant: Tenant, *, connection_id: int, version: int, name: str, url: str, is_sandbox: bool, by: Actor
) -> Connection:
    """Change an endpoint. A new address or mark sends again what the old one refused or had no endpoint for."""
    endpoint = _locked(tenant, connection_id=connection_id, version=version)
    before = _shown(endpoint)
    name = _checked_name(tenant, name, others=[endpoint.pk])
    check_address(url)
    moved = (url, is_sandbox) != (endpoint.url, endpoint.is_sandbox)
    if url != endpoint.url:
        endpoint.rests_until = None  # another receiver asked for no rest
    endpoint.name, endpoint.url, endpoint.is_sandbox = name, url, is_sandbox
    if _shown(endpoint) == before:
        return endpoint
    _save(endpoint, "name", "url", "is_sandbox", "rests_until")
    _record(endpoint, "integrations.endpoint_changed", by=by, before=before, after=_shown(endpoint))
    if moved and endpoint.state == State.ACTIVE:
        outbound.retry_refused(endpoint, by=by)
        outbound.release_waiting(tenant, by=by)
    return endpoint


@transaction.atomic
def pause_endpoint(tenant: Tenant, *, connection_id: int, version: int, by: Actor) -> Connection:
    """Stop sending to an endpoint; what is planned for it waits there."""
    endpoint = _locked(tenant, connection_id=connection_id, version=version)
    if endpoint.state != State.ACTIVE:
        raise NotPossible("Only an active endpoint can be paused.")
    _move(endpoint, State.PAUSED, "integrations.endpoint_paused", by=by)
    return endpoint


@transaction.atomic
def resume_endpoint(tenant: Tenant, *, connection_id: int, version: int, by: Actor) -> Connection:
    """Send to an endpoint again, also to one that was disabled by a 410 and has come back."""
    endpoint = _locked(tenant, connection_id=connection_id, version=version)
    if endpoint.state == State.ACTIVE:
        raise NotPossible("The endpoint is active already.")
    was_gone = endpoint.state == State.DISABLED
    _move(endpoint, State.ACTIVE, "integrations.endpoint_resumed", by=by)
    if was_gone:
        outbound.retry_refused(endpoint, by=by)
    outbound.release_waiting(tenant, by=by)
    outbound.ring(tenant, connection_id=endpoint.pk)
    return endpoint


@transaction.atomic
def rotate_secret(tenant: Tenant, *, connection_id: int, version: int, secret: str, by: Actor) -> Connection:
    """Sign with a new secret. For a day the old one signs as well, so the receiver can change over in its own time."""
    endpoint = _locked(tenant, connection_id=connection_id, version=version)
    sealed = seal(checked_secret(secret), purpose=PURPOSE)
    endpoint.previous_secret_sealed, endpoint.previous_secret_until = "", None
    if _is_readable(endpoint.secret_sealed):
        endpoint.previous_secret_sealed = endpoint.secret_sealed
        endpoint.previous_secret_until = timezone.now() + OVERLAP
    endpoint.secret_sealed = sealed
    _save(endpoint, "secret_sealed", "previous_secret_sealed", "previous_secret_until")
    _record(
        endpoint,
        "integrations.endpoint_secret_rotated",
        by=by,
        after={"previous_until": endpoint.previous_secret_until},
    )
    if endpoint.state == State.ACTIVE:
        outbound.retry_refused(endpoint, by=by)
    return endpoint


@transaction.atomic
def send_test(tenant: Tenant, *, connection_id: int, by: Actor) -> WriteIntent:
    """Send a test event to one endpoint, through the outbox like everything else."""
    endpoint = queries.endpoint_for_update(tenant, connection_id=connection_id)
    if endpoint.state != State.ACTIVE:
        raise NotPossible("The endpoint is not active. Resume it first.")
    if endpoint.is_sandbox != tenant.is_sandbox:
        raise NotPossible(outbound.wrong_mark(tenant))
    once = uuid4().hex
    fields = {"text": "A test event. Nothing has to be done.", "endpoint": endpoint.name}
    return outbound.plan_write(
        tenant,
        kind="test",
        account_id=None,
        ordering_key=f"test:{once}",  # a line of its own: a test that fails holds up nothing
        target={"type": "endpoint", "name": endpoint.name},
        fields=fields,
        business_key=f"test:{once}",
        digest=digest_of(fields),
        correlation_id=f"endpoint:{endpoint.pk}",
        by=by,
        endpoint=endpoint,
    )


def check_address(url: str) -> None:
    """Raises EndpointRefused when the address, as written, is one that we never send to."""
    try:
        check_url(url, allowed=parse_networks(outbound.allowed_networks()))
    except Forbidden as error:
        raise EndpointRefused("url", error.words) from error


def checked_secret(secret: str) -> str:
    """The secret if it is one of Standard Webhooks: whsec_ and 24 to 64 bytes in base64."""
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(PREFIX) or not 24 <= size <= 64:
        raise EndpointRefused("secret", "A secret is whsec_ followed by 24 to 64 bytes in base64.")
    return secret


def _checked_name(tenant: Tenant, name: str, *, others: Iterable[int] = ()) -> str:
    name = name.strip()
    if not name:
        raise EndpointRefused("name", "Give the endpoint a name.")
    if queries.endpoints(tenant).filter(name=name).exclude(pk__in=others).exists():
        raise EndpointRefused("name", "Another endpoint has this name.")
    return name


def _locked(tenant: Tenant, *, connection_id: int, version: int) -> Connection:
    endpoint = queries.endpoint_for_update(tenant, connection_id=connection_id)
    if endpoint.version != version:
        raise StaleVersion("Somebody changed this endpoint since the page was shown.")
    return endpoint


def _save(endpoint: Connection, *names: str) -> None:
    endpoint.version += 1
    endpoint.save(update_fields=[*names, "version"])


def _move(endpoint: Connection, state: str, verb: str, *, by: Actor) -> None:
    before = {"state": str(endpoint.state)}
    endpoint.state = state
    _save(endpoint, "state")
    _record(endpoint, verb, by=by, before=before, after={"state": str(state)})


def _is_readable(sealed: str) -> bool:
    try:
        unseal(sealed, purpose=PURPOSE)
    except SecretUnreadable:
        return False
    return True


def _shown(endpoint: Connection) -> dict[str, object]:
    """What the audit trail keeps of an endpoint: never its secret."""
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "is_sandbox": endpoint.is_sandbox,
        "state": str(endpoint.state),
    }


def _record(endpoint: Connection, verb: str, *, by: Actor, **diff: object) -> None:
    audit.record(endpoint.tenant, verb=verb, by=by, subject=endpoint, **diff)  # type: ignore[arg-type]
