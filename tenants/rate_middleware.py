"""One middleware for all limits: it draws before the request's transaction opens, and answers 429 itself."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import ResolverMatch, reverse

from tenants.middleware import match_of, membership_of
from tenants.models import Tenant
from tenants.problems import problem
from tenants.quotas import QuotaExceeded
from tenants.ratelimits import Bucket, Refusal, address_of, take
from tenants.service_access import bearer_token

EXEMPT = ("/healthz", "/readyz", "/metrics")


class RateLimits:
    """After authentication, before TenantTransaction, and inside nobody's transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in EXEMPT or request.path_info.startswith(settings.STATIC_URL):
            return self.get_response(request)
        match = match_of(request)
        refusal = _refusal(request, match)
        return _answer(request, match, refusal) if refusal else self.get_response(request)

    def process_exception(self, request: Any, exception: Exception) -> HttpResponse | None:
        """A quota that is used up, wherever it was noticed: what the request wrote is taken back already."""
        if not isinstance(exception, QuotaExceeded):
            return None
        words = str(exception)
        if getattr(request, "htmx", False):
            return render(request, "parts/too_many.html", {"words": words}, status=409)
        tenant = getattr(request, "tenant", None)
        url = reverse("tenants:usage", args=[tenant.slug]) if tenant else ""
        return render(request, "quota.html", {"words": words, "usage_url": url}, status=409)


def _refusal(request: HttpRequest, match: ResolverMatch | None) -> Refusal | None:
    buckets = [Bucket(f"address:{address_of(request)}", settings.RATE_PER_ADDRESS)]
    try:
        buckets += _own(request, match)
    except OperationalError:
        return None  # the database is away: the view says so, as it always does
    return take(buckets)


def _own(request: Any, match: ResolverMatch | None) -> list[Bucket]:
    """The principal's bucket, and the workspace's for those who are in it."""
    if match is not None and hasattr(match.func, "is_service_view"):
        token = bearer_token(request)
        if token is None:
            return []
        return [Bucket(f"token:{token.pk}", settings.RATE_PER_PRINCIPAL), _of_tenant(token.tenant)]
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return []
    own = [Bucket(f"user:{request.user.pk}", settings.RATE_PER_PRINCIPAL)]
    membership = membership_of(request, match) if match is not None else None
    return own if membership is None else [*own, _of_tenant(membership.tenant)]


def _of_tenant(tenant: Tenant) -> Bucket:
    own = tenant.requests_per_minute
    return Bucket(f"tenant:{tenant.pk}", settings.RATE_PER_TENANT if own is None else own)


def _answer(request: Any, match: ResolverMatch | None, refusal: Refusal) -> HttpResponse:
    """A page for a person, a note for htmx, problem+json for a program; all say when."""
    view: Any = match.func if match is not None else None
    if hasattr(view, "is_service_view"):
        answer: HttpResponse = view.refuse(request, 429, "Too many requests", refusal.words)
    elif getattr(request, "htmx", False):
        answer = render(request, "parts/too_many.html", {"words": refusal.words}, status=429)
    elif request.accepts("text/html"):
        answer = render(request, "429.html", {"words": refusal.words}, status=429)
    else:
        answer = problem(request, 429, "Too many requests", refusal.words)
    answer.headers["Retry-After"] = str(refusal.seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer
