"""GET /metrics, for Prometheus alone: from an allowed network, or with the token; a 404 for everybody else."""

import hmac
import ipaddress

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import metrics
from tenants.access import tenant_exempt

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# a proxy's address says nothing about who asked it
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


@transaction.non_atomic_requests
@login_not_required
@tenant_exempt("answers Prometheus, by network or token; works with the database away")
@never_cache
@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    if not (_has_token(request) or _comes_from_allowed_network(request)):
        raise Http404
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE)


def _has_token(request: HttpRequest) -> bool:
    wanted: str = settings.METRICS_TOKEN
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(wanted) and scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), wanted.encode())
    )


def _comes_from_allowed_network(request: HttpRequest) -> bool:
    """Never believed behind a proxy: everybody would come from the proxy's address."""
    if settings.BEHIND_PROXY or any(name in request.META for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(each) for each in settings.METRICS_NETWORKS)
