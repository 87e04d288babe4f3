"""Usage: what this workspace used of its quotas, by source and cost; as a page, as CSV, and for programs."""

from datetime import date

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tenants import quota_services as services
from tenants import usage
from tenants.access import Right, TenantRequest, ask_again, can, tenant_view
from tenants.scopes import Scope
from tenants.service_access import ServiceRequest, service_view


@tenant_view(right=Right.INTEGRATIONS)
@require_GET
def usage_page(request: TenantRequest) -> HttpResponse:
    month = _month(request.GET.get("month", ""))
    months = usage.months()
    at = months.index(month)
    lines = usage.lines(request.tenant, month)
    context = {
        "lines": lines,
        "is_used": any(each.sources for each in lines),
        "month": month,
        "is_now": at == 0,
        "newer": months[at - 1] if at else None,
        "older": months[at + 1] if at + 1 < len(months) else None,
        "may_set": can(request.membership, Right.CONFIGURE),
    }
    return render(request, "tenants/usage.html", context)


@ask_again("what is exported leaves the product", also_to_read=True)
@tenant_view(right=Right.INTEGRATIONS)
@require_GET
def usage_csv(request: TenantRequest) -> HttpResponse:
    month = _month(request.GET.get("month", ""))
    table = usage.as_csv(request.tenant, month, usage.lines(request.tenant, month))
    services.record_usage_export(request.tenant, month=f"{month:%Y-%m}", by=request.actor)
    answer = HttpResponse(table, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = (
        f'attachment; filename="usage-{request.tenant.slug}-{month:%Y-%m}.csv"'
    )
    return answer


@service_view(scope=Scope.USAGE_READ)
@require_GET
def usage_api(request: ServiceRequest) -> HttpResponse:
    month = _month(request.GET.get("month", ""))
    return JsonResponse(usage.as_json(request.tenant, month, usage.lines(request.tenant, month)))


def _month(text: str) -> date:
    found = usage.month_from(text)
    if found is None:
        raise Http404("There is no such month: write it as 2026-11, within the last year.")
    return found
