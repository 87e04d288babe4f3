"""Services: which programs are let in, a new one, a new token, and the end of one."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants import identities as services
from tenants import identity_queries as queries
from tenants.access import Right, TenantRequest, ask_again, tenant_view
from tenants.exceptions import Refused
from tenants.identity_models import ServiceIdentity
from tenants.scopes import Scope
from tenants.service_forms import ServiceForm
from tenants.views import see_other

# a token of the scope `scim` makes people and gives roles, so whoever makes one must be able to do that too
RIGHT = Right.CONFIGURE


@tenant_view(right=RIGHT)
@require_GET
def service_list(request: TenantRequest) -> HttpResponse:
    return _list(request)


@tenant_view(right=RIGHT, whole=True)
@require_http_methods(["GET", "HEAD", "POST"])
@ask_again("its token acts here without a person")
def new_service(request: TenantRequest) -> HttpResponse:
    """The form; its answer is the list with the token: the only page that ever shows it, so no redirect."""
    form = ServiceForm(request.POST or None)
    if form.is_valid():
        try:
            identity, token = services.create_identity(
                request.tenant,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at,
                by=request.actor,
            )
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            return _list(request, made=identity, token=token)
    return render(request, "tenants/service_form.html", {"form": form}, status=422 if form.errors else 200)


@tenant_view(right=RIGHT, whole=True)
@require_POST
@ask_again("its token acts here without a person")
def rotate_service(request: TenantRequest, identity_id: int) -> HttpResponse:
    """A new token, shown in this answer alone; the one before works for another day."""
    _identity(request, identity_id)
    try:
        identity, token = services.rotate(request.tenant, identity_id=identity_id, by=request.actor)
    except Refused as refusal:
        return _list(request, problem=str(refusal), status=409)
    return _list(request, made=identity, token=token, rotated=True)


@tenant_view(right=RIGHT)
@require_POST
def revoke_service(request: TenantRequest, identity_id: int) -> HttpResponse:
    _identity(request, identity_id)
    try:
        identity = services.revoke(request.tenant, identity_id=identity_id, by=request.actor)
    except Refused as refusal:
        return _list(request, problem=str(refusal), status=409)
    messages.success(request, f"{identity} is out: its tokens work no more.")
    return see_other(f"/t/{request.tenant.slug}/services/")


def _list(request: TenantRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    now = timezone.now()
    tokens: dict[int, list[Any]] = {}
    for token in queries.tokens_of(request.tenant):
        if token.works_at(now):
            tokens.setdefault(token.identity_id, []).append(token)
    rows = [_row(each, tokens.get(each.pk, [])) for each in queries.identities(request.tenant)]
    context = {"rows": rows, "overlap": int(services.OVERLAP.total_seconds() // 3600), **more}
    answer = render(request, "tenants/services.html", context, status=status)
    answer.shown_once = "token" in more  # type: ignore[attr-defined]  # kept for no repeat (tenants.idempotency)
    return answer


def _row(identity: ServiceIdentity, tokens: list[Any]) -> dict[str, Any]:
    """One program with what works of it, the newest token first."""
    used = [each.last_used_at for each in tokens if each.last_used_at]
    return {
        "identity": identity,
        "scopes": [Scope(each).label if each in Scope.values else each for each in identity.scopes],
        "token": tokens[0] if tokens else None,
        "older": tokens[1:],
        "last_used": max(used, default=None),
    }


def _identity(request: TenantRequest, identity_id: int) -> ServiceIdentity:
    found = queries.identity(request.tenant, identity_id=identity_id)
    if found is None:
        raise Http404("No such service.")
    return found
