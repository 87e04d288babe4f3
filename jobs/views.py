"""The jobs page for those who run the tenant, and a job's progress for whoever asked for it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs import queries, services
from jobs.exceptions import NotCancellable, NotReplayable
from jobs.forms import JobFilters
from jobs.models import Job
from jobs.paging import BadPlace, neighbours, newest_first
from jobs.panels import panel_of
from tenants.access import Right, TenantRequest, can, tenant_view


@require_GET
@tenant_view(right=Right.CONFIGURE)
def job_list(request: TenantRequest) -> HttpResponse:
    return render(request, "jobs/list.html", _list_context(request))


@require_GET
@tenant_view(right=Right.CONFIGURE)
def job_rows(request: TenantRequest) -> HttpResponse:
    context = _list_context(request)
    response = render(request, "jobs/_rows.html", context)
    response.headers["HX-Push-Url"] = context["here"]
    return response


def _list_context(request: TenantRequest) -> dict[str, Any]:
    """Filters and one page of jobs, from the query string that both views share."""
    form = JobFilters(request.GET)
    form.is_valid()  # an unknown value filters nothing
    chosen = {name: value for name, value in form.cleaned_data.items() if value}
    rows = queries.jobs(request.tenant, **{"routine": False, **chosen})
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    try:
        page = newest_first(rows, by=["id"], before=before, after=after)
    except BadPlace as error:
        raise Http404("No such page.") from error
    query = request.GET.copy()
    here = reverse("jobs:list", args=[request.tenant.slug])
    return {
        "form": form,
        "chosen": chosen,
        "page": page,
        "counts": queries.counts_by_state(request.tenant),
        "here": f"{here}?{query.urlencode()}" if query else here,
        "places": neighbours(request, page, names=("jobs:list", "jobs:rows")),
    }


@require_GET
@tenant_view()
def job_page(request: TenantRequest, job_id: int) -> HttpResponse:
    return render(request, "jobs/job.html", _job_context(request, _watched(request, job_id)))


@require_GET
@tenant_view()
def job_details(request: TenantRequest, job_id: int) -> HttpResponse:
    return render(request, "jobs/_job.html", _job_context(request, _watched(request, job_id)))


@require_GET
@tenant_view()
def job_progress(request: TenantRequest, job_id: int) -> HttpResponse:
    """The panel alone, which asks for itself again while the job lives."""
    job = _watched(request, job_id)
    panel = {"every": "1s", **panel_of(job, slug=request.tenant.slug)}
    response = render(request, "parts/progress.html", panel)
    if job.is_finished:
        response.headers["HX-Trigger"] = "job-finished"  # a page may reload what the job has made
    return response


@require_POST
@tenant_view(right=Right.CONFIGURE)
def job_replay(request: TenantRequest, job_id: int) -> HttpResponse:
    _job(request, job_id)
    try:
        services.replay(request.tenant, job_id=job_id, by=request.actor)
    except NotReplayable as refusal:
        return _answer(request, job_id, str(refusal), status=409)
    return _answer(request, job_id, "The job is started again.")


@require_POST
@tenant_view()
def job_cancel(request: TenantRequest, job_id: int) -> HttpResponse:
    """Its requester may stop it too."""
    _job(request, job_id)
    try:
        job = services.cancel(request.tenant, job_id=job_id, by=request.actor)
    except NotCancellable as refusal:
        return _answer(request, job_id, str(refusal), status=409)
    return _answer(request, job_id, "Cancelled." if job.is_finished else "It stops at its next step.")


def _job(request: TenantRequest, job_id: int) -> Job:
    return _or_404(queries.visible_job(request.tenant, request.membership, job_id=job_id))


def _watched(request: TenantRequest, job_id: int) -> Job:
    return _or_404(queries.watched_job(request.tenant, request.membership, job_id=job_id))


def _or_404(job: Job | None) -> Job:
    if job is None:
        raise Http404("No such job.")
    return job


def _job_context(request: TenantRequest, job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "args": {
            name: value for name, value in job.args.items() if isinstance(value, str | int) and value != ""
        },
        "may_configure": can(request.membership, Right.CONFIGURE),
        "may_replay": can(request.membership, Right.CONFIGURE)
        and job.state in (Job.State.DEAD, Job.State.CANCELLED),
        "may_cancel": not job.is_finished
        and job.cancel_requested_at is None
        and queries.is_business_of(request.membership, job),
    }


def _answer(request: TenantRequest, job_id: int, said: str, *, status: int = 200) -> HttpResponse:
    """The job's region with what happened, or for a plain form the job's page."""
    if request.htmx:  # type: ignore[attr-defined]
        context = _job_context(request, _job(request, job_id))
        tone = "high" if status == 409 else ""
        return render(request, "jobs/_job.html", {**context, "said": said, "tone": tone}, status=status)
    level = messages.WARNING if status == 409 else messages.SUCCESS
    messages.add_message(request, level, said)
    response = HttpResponseRedirect(reverse("jobs:job", args=[request.tenant.slug, job_id]))
    response.status_code = 303
    return response
