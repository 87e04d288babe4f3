"""One outer transaction a request, wrapped around view and rendering, with the tenant set inside it.

ATOMIC_REQUESTS alone is not enough: lazy templates render after its block, and then see no rows (ADR 0002).
"""

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse
from django.urls import Resolver404, ResolverMatch, resolve

from tenants import queries
from tenants.access import Actor
from tenants.hooks import on_response
from tenants.models import Membership
from tenants.scoping import tenant_context, tenant_transaction

Handler = Callable[[HttpRequest], HttpResponse]
ADMIN = "admin"


class TenantTransaction:
    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = match_of(request)
        if match is None or hasattr(match.func, "tenant_exempt"):
            return self.get_response(request)
        try:
            return self._answer(request, match)
        except (OperationalError, InterfaceError):
            # raised by our own BEGIN or COMMIT: the database is away, and nothing was kept
            return unavailable()

    def _answer(self, request: HttpRequest, match: ResolverMatch) -> HttpResponse:
        membership = membership_of(request, match)
        if membership is None:
            return self.get_response(request)
        request.tenant, request.membership = membership.tenant, membership  # type: ignore[attr-defined]
        request.actor = Actor.person(membership)  # type: ignore[attr-defined]
        if hasattr(match.func, "own_transactions"):
            return _private(self._without_transaction(request, membership))
        with transaction.atomic(), tenant_context(membership.tenant_id):
            response = self.get_response(request)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
            if response.status_code >= 500:
                transaction.set_rollback(True)
            else:
                on_response(request, response)
        return _private(response)

    def _without_transaction(self, request: HttpRequest, membership: Membership) -> HttpResponse:
        """A view that opens its own transactions; what follows the response gets one of its own too."""
        response = self.get_response(request)
        if response.status_code < 500:
            with tenant_transaction(membership.tenant_id):
                on_response(request, response)
        return response


def match_of(request: Any) -> ResolverMatch | None:
    """Which view the address leads to, looked up once a request; None where it leads nowhere."""
    if not hasattr(request, "early_match"):
        try:
            request.early_match = resolve(request.path_info)
        except Resolver404:
            request.early_match = None
    found: ResolverMatch | None = request.early_match
    return found


def membership_of(request: HttpRequest, match: ResolverMatch) -> Membership | None:
    """The signed-in person's membership in the addressed tenant, or in the admin's acting tenant.

    Reads all of the person's memberships at once: the frame lists them as workspaces to switch to.
    """
    if ADMIN in match.app_names:
        slug = request.session.get("acting_tenant")
    elif hasattr(match.func, "is_tenant_view"):
        slug = match.kwargs.get("slug")
    else:
        slug = None
    if not slug or not request.user.is_authenticated:
        return None
    if not hasattr(request, "memberships"):
        request.memberships = list(queries.memberships_of(request.user))  # type: ignore[attr-defined]
    return next((each for each in request.memberships if each.tenant.slug == slug), None)  # type: ignore[attr-defined]


def _private(response: HttpResponse) -> HttpResponse:
    """A tenant's pages stay out of every cache (DECISIONS 27)."""
    response.headers.setdefault("Cache-Control", "no-store, private")
    return response


def unavailable() -> HttpResponse:
    """503 for everything that the database did not do in time, or not at all: nothing was kept, a repeat may work."""
    answer = HttpResponse(render_to_string("503.html"), status=503)
    answer.headers["Retry-After"] = "10"
    answer.headers["Cache-Control"] = "no-store"
    return answer
