"""Writes about service identities: let one in, give it a new token, revoke, end (ADR 0014).

A token's text leaves these functions once, as their answer. The event log gets its public key and nothing more.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit import services as audit
from tenants import identity_queries as queries
from tenants.access import Actor
from tenants.exceptions import Refused
from tenants.identity_models import ServiceIdentity, ServiceToken
from tenants.models import Tenant
from tenants.scopes import Scope
from tenants.tokens import new_token

GOOD_FOR = timedelta(days=90)
LONGEST = timedelta(days=365)
OVERLAP = timedelta(hours=24)  # for which a replaced token goes on working


@transaction.atomic
def create_identity(
    tenant: Tenant, *, name: str, scopes: list[str], by: Actor, expires_at: datetime | None = None
) -> tuple[ServiceIdentity, str]:
    """A program let in, and its first token. Raises Refused for a name in use, no scope, or a bad expiry."""
    name = name.strip()
    _check(tenant, name, scopes)
    identity = ServiceIdentity.objects.create(
        tenant=tenant, name=name, scopes=sorted(set(scopes)), created_by_label=by.label[:300]
    )
    token, text = _issue(identity, expires_at)
    _record(identity, "tenants.service_created", by=by, after={"scopes": identity.scopes, **_shown(token)})
    return identity, text


def _check(tenant: Tenant, name: str, scopes: list[str]) -> None:
    if not name or len(name) > 100 or not name.isprintable():
        raise Refused("Give it a name of at most 100 characters of plain text.")
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        said = f"Not a scope: {', '.join(unknown)}." if unknown else "Choose at least one scope."
        raise Refused(f"{said} There are: {', '.join(Scope.values)}.")
    if queries.is_name_taken(tenant, name):
        raise Refused(f"A service called {name} is here already: rotate its token, or choose another name.")


def _issue(identity: ServiceIdentity, expires_at: datetime | None) -> tuple[ServiceToken, str]:
    now = timezone.now()
    expires_at = expires_at or now + GOOD_FOR
    if not now < expires_at <= now + LONGEST:
        latest = (now + LONGEST).date()
        raise Refused(f"A token ends after now and within a year: at the latest on {latest}.")
    text = new_token(identity.tenant.environment)
    token = ServiceToken.objects.create(
        tenant=identity.tenant,
        identity_id=identity.pk,
        name=identity.name,
        key=text.key,
        digest=text.digest,
        environment=text.environment,
        scopes=identity.scopes,
        created_at=now,
        expires_at=expires_at,
    )
    return token, text.whole


@transaction.atomic
def rotate(
    tenant: Tenant,
    *,
    identity_id: int,
    by: Actor,
    overlap: timedelta = OVERLAP,
    expires_at: datetime | None = None,
) -> tuple[ServiceIdentity, str]:
    """A new token; the one before works until the overlap ends, and older ones end at once.

    So no more than two work at a time, however often somebody presses the button.
    """
    identity = _living(tenant, identity_id)
    now = timezone.now()
    working = list(queries.working_tokens(tenant, identity_id=identity_id).select_for_update())
    for place, token in enumerate(working):
        ends = now + overlap if place == 0 else now
        token.expires_at, token.rotated_at = min(token.expires_at, ends), token.rotated_at or now
        token.save(update_fields=["expires_at", "rotated_at"])
    token, text = _issue(identity, expires_at)
    before = {"keys": [each.key for each in working]}
    _record(identity, "tenants.service_rotated", by=by, before=before, after=_shown(token))
    return identity, text


@transaction.atomic
def revoke(tenant: Tenant, *, identity_id: int, by: Actor) -> ServiceIdentity:
    """All its tokens are dead from the next call on: each call reads the row, nothing is cached."""
    identity = _living(tenant, identity_id)
    now = timezone.now()
    tokens = queries.tokens_of(tenant).filter(identity_id=identity_id, revoked_at=None)
    keys = list(tokens.values_list("key", flat=True))
    tokens.update(revoked_at=now)
    identity.ended_at = now
    identity.save(update_fields=["ended_at"])
    _record(identity, "tenants.service_revoked", by=by, before={"keys": keys})
    return identity


def _living(tenant: Tenant, identity_id: int) -> ServiceIdentity:
    identity = queries.identity_for_update(tenant, identity_id=identity_id)
    if identity.ended_at is not None:
        raise Refused(f"{identity} was revoked. Create a new service instead.")
    return identity


def _shown(token: ServiceToken) -> dict[str, Any]:
    return {"key": token.key, "expires_at": token.expires_at}


def _record(identity: ServiceIdentity, verb: str, *, by: Actor, **diff: Any) -> None:
    audit.record(identity.tenant, verb=verb, by=by, subject=identity, **diff)
