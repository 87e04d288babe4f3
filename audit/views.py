"""The audit page: what happened, by whom, to what, as far as the reader may see it."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audit import exports, queries
from audit.forms import EventFilters
from jobs import queries as jobs
from jobs import services as job_services
from jobs.models import Job
from jobs.paging import BadPlace, neighbours, newest_first
from tenants.access import (
    Right,
    TenantRequest,
    ask_again,
    check_right,
    check_sees_everything,
    sees_everything,
    tenant_view,
)
from tenants.queries import people

VERIFY = "audit.verify"


@require_GET
@tenant_view(right=Right.VIEW_AUDIT)
def log(request: TenantRequest) -> HttpResponse:
    context = _log_context(request, people=list(people(request.tenant)))
    sees_all = sees_everything(request.membership)
    if sees_all:
        context |= {
            "verified": queries.last_verification(request.tenant),
            "seal": queries.newest_seal(request.tenant),
        }
    return render(request, "audit/log.html", {**context, "sees_all": sees_all})


@require_GET
@tenant_view(right=Right.VIEW_AUDIT)
def rows(request: TenantRequest) -> HttpResponse:
    context = _log_context(request)
    response = render(request, "audit/_rows.html", context)
    response.headers["HX-Push-Url"] = context["here"]
    return response


def _log_context(request: TenantRequest, **options: Any) -> dict[str, Any]:
    """Filters and one page of events, from the query string that both views share."""
    form = EventFilters(request.GET, **options)
    filters = form.filters
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    found = queries.events(request.tenant, request.membership, filters)
    try:
        page = newest_first(found, by=["at", "id"], before=before, after=after)
    except BadPlace as error:
        raise Http404("No such page.") from error
    here = reverse("audit:log", args=[request.tenant.slug])
    return {
        "form": form,
        "filters": filters,
        "page": replace(page, rows=list(queries.covered(request.membership, page.rows))),
        "subject": _subject(request, filters, page.rows),
        "here": f"{here}?{request.GET.urlencode()}" if request.GET else here,
        "places": neighbours(request, page, names=("audit:log", "audit:rows")),
    }


def _subject(request: TenantRequest, filters: queries.Filters, shown: list[Any]) -> str:
    """What the page is about, in words; of an account only when something of it may be seen."""
    if filters.decision:
        return f"Decision {filters.decision}"
    if filters.account is not None:
        return queries.account_label(request.tenant, account_id=filters.account) if shown else "This account"
    if filters.object_id and shown:
        return str(shown[0].object_label or filters.object_id)
    if filters.person and shown:
        return str(shown[0].actor_label)
    return ""


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_AUDIT)
def export(request: TenantRequest) -> HttpResponse:
    """Ask for a file of what the filters show."""
    check_right(request.membership, Right.EXPORT)
    form = request.POST.get("format", "")
    if form not in exports.FORMATS:
        return HttpResponse("Choose CSV or JSON Lines.", status=422, content_type="text/plain")
    job = job_services.enqueue(
        request.tenant,
        kind=exports.KIND,
        args={
            "membership_id": request.membership.pk,
            "filters": exports.filters_as_json(EventFilters(request.POST).filters),
            "form": form,
            "request_id": request.request_id,
        },
        by=request.actor,
    )
    return _started(request, job)


@ask_again("what is exported leaves the product", also_to_read=True)
@require_GET
@tenant_view(right=Right.VIEW_AUDIT)
def export_file(request: TenantRequest, job_id: int) -> Any:
    """The finished file, for nobody but the person who asked for it, and only while they see as far as they did."""
    check_right(request.membership, Right.EXPORT)
    job = jobs.visible_job(request.tenant, request.membership, job_id=job_id)
    if job is None or job.kind != exports.KIND or job.requested_by_id != request.membership.user_id:
        raise Http404("No such export.")
    path = exports.path_of(request.tenant, job.pk, job.args["form"])
    if job.state != Job.State.DONE or not path.exists():
        raise Http404("This export is not ready, or was deleted after seven days.")
    if not exports.is_within_reach(request.membership, job):
        raise PermissionDenied("Your role, team or scope changed since this was exported. Export again.")
    name = f"{request.tenant.slug}-events-{job.pk}{path.suffix}"
    content_type = exports.CONTENT_TYPES[job.args["form"]]
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=content_type)


@require_POST
@tenant_view(right=Right.VIEW_AUDIT)
def verify(request: TenantRequest) -> HttpResponse:
    """Have every seal recomputed now."""
    check_sees_everything(request.membership)
    job = job_services.enqueue(
        request.tenant, kind=VERIFY, args={"membership_id": request.membership.pk}, by=request.actor
    )
    return _started(request, job)


def _started(request: TenantRequest, job: Job) -> HttpResponse:
    """The job's progress for htmx, its page otherwise."""
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "audit/_started.html", {"job": job})
    messages.success(request, "Started. You can leave this page; it goes on.")
    response = HttpResponseRedirect(reverse("jobs:job", args=[request.tenant.slug, job.pk]))
    response.status_code = 303
    return response
