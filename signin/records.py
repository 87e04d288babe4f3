"""Sign-ins and what changes them, in the audit log of every workspace that the person is a member of.

Each event is written in a tenant of its own: the log knows no other place. Somebody without a workspace, and an
address that belongs to nobody, leave a line in the server's log instead, without the address.
"""

import logging
from typing import Any

from django.http import HttpRequest

from audit import services as audit
from tenants import queries
from tenants.access import Actor
from tenants.models import Tenant, User
from tenants.ratelimits import address_of as client_address
from tenants.scoping import tenant_transaction

log = logging.getLogger(__name__)
DOOR = Actor("system", "signin", "Sign-in")


def record(
    user: User, verb: str, *, by: Actor | None = None, request: HttpRequest | None = None, **after: Any
) -> None:
    """The event in each of the person's workspaces; `by` is the person unless told."""
    memberships = list(queries.memberships_of(user))
    if not memberships:
        log.info("%s by somebody without a workspace", verb)
    for membership in memberships:
        with tenant_transaction(membership.tenant_id):
            record_in(
                membership.tenant, user, verb, by=by or Actor.person(membership), request=request, **after
            )


def record_in(
    tenant: Tenant, user: User, verb: str, *, by: Actor, request: HttpRequest | None = None, **after: Any
) -> None:
    """The event in one workspace, inside its open transaction."""
    if request is not None:
        after |= {"address": address_of(request)}
    audit.record(
        tenant, verb=f"signin.{verb}", by=by, subject=user, after=after,
        request_id=getattr(request, "request_id", ""),
    )  # fmt: skip


def address_of(request: HttpRequest) -> str:
    """The caller's address as the limits see it; empty where there is none (a test's own sign-in)."""
    return client_address(request) if request.META.get("REMOTE_ADDR") else ""
