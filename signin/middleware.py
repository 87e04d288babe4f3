"""Two gates: a session that is too old, and, inside a workspace, a missing second factor or a proof too long ago."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from signin import devices, fresh, queries, sessions
from tenants.middleware import unavailable
from tenants.models import Membership

# allauth's pages that make a way to come in, and those that change one
NEW_WAYS = {"account_set_password", "mfa_activate_totp", "mfa_add_webauthn"}
OWN_CHANGES = {*NEW_WAYS, "account_email", "socialaccount_connections"}
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
    fragments, exports and the admin alike; and before a person's own pages of signing in. Requests without a session
    (services with a token) pass."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not sessions.is_signed_in(request):
            return None
        membership: Membership | None = getattr(request, "membership", None)
        if membership is None:
            return _prove_first(request)
        if membership.role in membership.tenant.second_factor_roles and not queries.has_factor(
            membership.user
        ):
            return _set_up_first(request)
        # a view's own mark, or that of the admin class whose page it is
        marked = getattr(view, "ask_again", "") or getattr(
            getattr(view, "model_admin", None), "ask_again", ""
        )
        if not marked or fresh.is_fresh(request):
            return None
        if request.method == "POST":
            return fresh.ask(request)
        if getattr(view, "ask_again_to_read", False):
            return redirect(fresh.proof_address(request, request.get_full_path()))
        return None


def _prove_first(request: HttpRequest) -> HttpResponse | None:
    """A new way in needs a proof by an old one. allauth asks for it itself, but only whom it could ask itself: nobody
    who has the company's sign-in alone, and nobody for a first password."""
    match = request.resolver_match
    name = match.url_name if match else ""
    is_link = name == "openid_connect_login" and request.GET.get("process") == "connect"
    is_sent = request.method == "POST" and (name in OWN_CHANGES or is_link)
    is_form = request.method == "GET" and name in NEW_WAYS
    if not (is_sent or is_form) or fresh.is_fresh(request):
        return None
    if name != "account_set_password" and fresh.can_be_asked_here(request):
        return None
    return fresh.ask(request) if is_sent else redirect(fresh.proof_address(request, request.get_full_path()))


def _set_up_first(request: HttpRequest) -> HttpResponse:
    """To the page where a second factor is set up."""
    where = reverse("mfa_index")
    if getattr(request, "htmx", None):
        return HttpResponse(status=401, headers={"HX-Redirect": where})
    messages.warning(request, "This workspace asks for a second factor. Set one up to go on.")
    return HttpResponse(status=303, headers={"Location": where})
