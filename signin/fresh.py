"""Asking again who it is, before what cannot be taken back: exports, roles, factors.

A view of the kernel is marked with `tenants.access.ask_again`; the middleware stops its POST when the last proof is
older than `ACCOUNT_REAUTHENTICATION_TIMEOUT`. What was to be sent is kept, so that after the proof one press sends it:
through the front door again, with every check of its own.
"""

import secrets
import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows import login as flow
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

KEPT_FOR = 30 * 60
LEEWAY = 60  # seconds by which the clock of the company's sign-in may differ
LARGEST = 200_000  # characters of a kept form; what is larger is sent again by hand


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person proved who they are within the window; signing in is such a proof."""
    proofs = [each["at"] for each in get_authentication_records(request, request.user) if _is_proof(each)]  # type: ignore[arg-type]
    return bool(proofs) and time.time() - max(proofs) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def begin(request: HttpRequest, user: Any) -> None:
    """A sign-in just made: its last step counts as the proof, also for allauth's own pages.

    The company's sign-in may have remembered the person since the morning: there the proof is as old as it says.
    """
    steps = list(get_authentication_records(request, user)) or [{"method": "session", "at": time.time()}]
    at = steps[-1]["at"]
    if steps[-1]["method"] == "socialaccount":
        at = min(at, getattr(request, "company_proved_at", 0.0))
    steps[-1] = {**steps[-1], "at": at, "reauthenticated": True}
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = steps
    request.session[flow._AUTHENTICATION_METHODS_USER_SESSION_KEY] = flow.user_id_to_str(user)


def proved_at(claims: dict[str, Any]) -> float:
    """When the person last proved to the company's sign-in who they are; 0 where its ID token does not say."""
    said = claims.get("auth_time")
    if not isinstance(said, int | float) or isinstance(said, bool):
        return 0.0
    return float(said) if 0 < said <= time.time() + LEEWAY else 0.0


def note_company_proof(request: HttpRequest, claims: dict[str, Any]) -> None:
    """For `begin`, later in the same request."""
    request.company_proved_at = proved_at(claims)  # type: ignore[attr-defined]


def ask(request: HttpRequest) -> HttpResponse:
    """To the page that asks, and from there back to what was about to be sent."""
    where = proof_address(request, _afterwards(request))
    if getattr(request, "htmx", None):
        answer = HttpResponse(status=401)
        answer.headers["HX-Redirect"] = where
        return answer
    return HttpResponse(status=303, headers={"Location": where})


def can_be_asked_here(request: HttpRequest) -> bool:
    """Whether the person has a way of ours to prove it; else the company's sign-in is asked."""
    return bool(get_adapter().get_reauthentication_methods(request.user))


def proof_address(request: HttpRequest, afterwards: str) -> str:
    """The person's own way to prove it: password, code, key; or the company's sign-in when there is none of these."""
    ways = get_adapter().get_reauthentication_methods(request.user)
    if ways:
        return f"{ways[0]['url']}?{urlencode({'next': afterwards})}"
    company = settings.SIGNIN_OIDC
    if company:
        where = reverse("openid_connect_login", args=[company["id"]])
        return f"{where}?{urlencode({'process': 'login', 'next': afterwards})}"
    return reverse("account_logout")


def kept(request: HttpRequest, token: str) -> dict[str, Any] | None:
    """What this person was about to send, while it is kept."""
    found = cache.get(_cache_key(request, token))
    return found if isinstance(found, dict) else None


def _afterwards(request: HttpRequest) -> str:
    fields = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
    fields = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
    size = sum(len(name) + len(value) for name, value in fields)
    is_form = request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}
    if not is_form or request.FILES or size > LARGEST:
        return _page_of(request)
    token = secrets.token_urlsafe(16)
    what = {"path": request.get_full_path(), "fields": fields, "page": _page_of(request)}
    cache.set(_cache_key(request, token), what, timeout=KEPT_FOR)
    return reverse("signin:again", args=[token])


def _page_of(request: HttpRequest) -> str:
    """The page on which the form stands, if it is ours."""
    htmx = getattr(request, "htmx", None)
    page = (htmx and htmx.current_url_abs_path) or _own_path(request, request.headers.get("Referer", ""))
    return page or "/"


def _own_path(request: HttpRequest, address: str) -> str:
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        return ""
    return "/" + address.split("://", 1)[-1].partition("/")[2] if "://" in address else address


def _cache_key(request: HttpRequest, token: str) -> str:
    return f"signin.again:{request.user.pk}:{token}"


def _is_proof(step: dict[str, Any]) -> bool:
    return bool(step.get("reauthenticated"))
