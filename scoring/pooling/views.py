"""The pool's page: what would leave the workspace and what would come of it, and giving or withdrawing consent."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from scoring.pooling import figures, services
from tenants.access import Right, TenantRequest, ask_again, can, sees_everything, tenant_view


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def page(request: TenantRequest) -> HttpResponse:
    return _page(request)


def _page(request: TenantRequest, *, refused: str = "", status: int = 200) -> HttpResponse:
    context = {
        **figures.of(request.tenant),
        "may_configure": can(request.membership, Right.CONFIGURE),
        "sees_all": sees_everything(request.membership),
        "refused": refused,
    }
    return render(request, "scoring/pooling/page.html", context, status=status)


@ask_again("what was learnt from customers is handed on")
@require_POST
@tenant_view(right=Right.CONFIGURE)
def consent(request: TenantRequest) -> HttpResponse:
    """Give it or withdraw it, with a reason."""
    consents = request.POST.get("consents") == "yes"
    try:
        services.set_consent(
            request.tenant, consents=consents, why=request.POST.get("why", ""), by=request.actor
        )
    except services.PoolRefused as refused:
        return _page(request, refused=str(refused), status=422)
    words = "Consent given. It begins with the next training." if consents else "Consent withdrawn."
    messages.success(request, words)
    return HttpResponseRedirect(reverse("scoring:pool", args=[request.tenant.slug]), status=303)
