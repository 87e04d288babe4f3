"""The icon that browsers ask for by themselves, at the one address they all know."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tenants.access import tenant_exempt


@tenant_exempt("an icon, the same for everybody")
@cache_control(public=True, max_age=86_400)
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    path = settings.BASE_DIR / "static" / "favicon.svg"
    return HttpResponse(path.read_bytes(), content_type="image/svg+xml")
