"""Two gates: a session that is too old, and, inside a workspace, a missing second factor or a proof too long ago."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from signin import devices, fresh, queries, sessions
from tenants.middleware import unavailable
from tenants.models import Membership

Handler = Callable[[HttpRequest], HttpResponse]
# a probe that carries a cookie must not ask for the session
WITHOUT_DATABASE = {"/healthz", "/readyz", "/metrics"}


class SessionLife:
    """Ends sessions past their time before anything is answered. Stands behind authentication and messages."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in WITHOUT_DATABASE:
            return self.get_response(request)
        try:
            _end_or_touch(request)
        except (OperationalError, InterfaceError):
            return unavailable()
        response = self.get_response(request)
        devices.add_cookie(request, response)
        return response


def _end_or_touch(request: HttpRequest) -> None:
    if not sessions.is_signed_in(request):
        return
    reason = sessions.over(request)
    if reason:
        logout(request)
        messages.info(request, reason)
    else:
        sessions.touch(request)


class Gate:
    """Stands inside the tenant's transaction, where the membership is known, and before every view: pages,
    fragments, exports and the admin alike. Requests without a session (services with a token) pass."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        membership: Membership | None = getattr(request, "membership", None)
        if membership is None or not sessions.is_signed_in(request):
            return None
        if membership.role in membership.tenant.second_factor_roles and not queries.has_factor(
            membership.user
        ):
            return _set_up_first(request)
        # a view's own mark, or that of the admin class whose page it is
        marked = getattr(view, "ask_again", "") or getattr(
            getattr(view, "model_admin", None), "ask_again", ""
        )
        wants_proof = marked and request.method == "POST"
        return fresh.ask(request) if wants_proof and not fresh.is_fresh(request) else None


def _set_up_first(request: HttpRequest) -> HttpResponse:
    """To the page where a second factor is set up."""
    where = reverse("mfa_index")
    if getattr(request, "htmx", None):
        return HttpResponse(status=401, headers={"HX-Redirect": where})
    messages.warning(request, "This workspace asks for a second factor. Set one up to go on.")
    return HttpResponse(status=303, headers={"Location": where})
