"""Endpoints: where approved writes go, and the secrets that sign them."""

import base64
import binascii
import os
from collections.abc import Iterable

from django.db import transaction

from audit import services as audit
from config.secrets import seal
from integrations.clients.addresses import check_url, parse_networks
from integrations.clients.errors import Forbidden
from integrations.exceptions import EndpointRefused
from integrations.models import Connection
from integrations.queries import outbound as queries
from integrations.services import outbound
from tenants.access import Actor
from tenants.models import Tenant

State = Connection.State
PREFIX = "whsec_"
PURPOSE = "webhook"


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
