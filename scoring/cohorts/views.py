"""How long customers stay by group: the page, the button that works it out anew, and the figures as a file."""

from datetime import date
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs import services as jobs
from jobs.panels import panel_of
from scoring import follow_up
from scoring.cohorts import associations, charts, figures, queries, sheet
from scoring.cohorts.job import COHORTS, NIGHTLY
from scoring.outcomes.notes import scope_words
from scoring.outcomes.services import as_csv, record_export
from scoring.queries import newest_run
from scoring.why.cohorts import KINDS
from tenants.access import Right, TenantRequest, ask_again, can, check_right, tenant_view


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def page(request: TenantRequest) -> HttpResponse:
    return render(request, "scoring/cohorts/page.html", context_of(request))


def context_of(request: TenantRequest) -> dict[str, Any]:
    """Everything the page shows, out of what is stored for exactly the accounts that the viewer may see."""
    tenant, viewer = request.tenant, request.membership
    report, run = queries.report(tenant, viewer), newest_run(tenant)
    context: dict[str, Any] = {
        "report": report,
        "run": run,
        "scope": scope_words(viewer),
        "may_run": can(viewer, Right.SCORE),
        "may_export": can(viewer, Right.EXPORT),
    }
    if report is None:
        return context | {"when": follow_up.when(tenant, COHORTS)}
    found = report.figures
    asked = figures.asked_of(request.GET, found)
    shown = figures.shown(found, asked)
    return context | {
        "asked": asked,
        "found": found,
        "is_behind": run is not None and run.pk != report.run_id,
        "kinds": KINDS.items(),
        "since": date.fromisoformat(found["from"]) if found["from"] else None,
        "until": date.fromisoformat(found["until"]),
        **shown,
        "figure": charts.curves_figure(shown["groups"], asked.group),
        "figure_words": figures.curve_words(shown["groups"], asked.by),
    }


@require_POST
@tenant_view(right=Right.SCORE)
def run(request: TenantRequest) -> HttpResponse:
    """Work the figures out now: one job at a time, whoever asks, and the night's where that waits."""
    job = jobs.enqueue(
        request.tenant, kind=COHORTS, args={}, by=request.actor, dedupe_key=jobs.schedule_key(NIGHTLY)
    )
    if request.htmx:  # type: ignore[attr-defined]
        panel = panel_of(job, slug=request.tenant.slug)
        return render(request, "parts/progress.html", {"every": "1s", **panel})
    return HttpResponseRedirect(reverse("jobs:job", args=[request.tenant.slug, job.pk]), status=303)


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def export(request: TenantRequest) -> HttpResponse:
    """Every curve at its ticks and every test, of the accounts that the viewer may see."""
    check_right(request.membership, Right.EXPORT)
    report = queries.report(request.tenant, request.membership)
    rows = sheet.rows(report.figures) if report else []
    as_of = str(report.as_of) if report else "none"
    return _file(request, "cohorts", "How long customers stay", sheet.HEADS, rows, as_of)


def _file(
    request: TenantRequest, what: str, label: str, heads: list[str], rows: list[list[Any]], of: str
) -> HttpResponse:
    text, count = as_csv(heads, rows)
    record_export(
        request.tenant, what=what, label=label, rows=count, columns=heads, filters={"of": of}, by=request.actor,
        request_id=request.request_id,
    )  # fmt: skip
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{what}-{of}.csv"'
    return answer


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def associated(request: TenantRequest) -> HttpResponse:
    """By indicator and segment, as the training of a version found it."""
    reports = queries.associations(request.tenant)
    report = associations.chosen_report(reports, request.GET.get("version", ""))
    context: dict[str, Any] = {"report": report, "reports": reports}
    if report is None:
        context |= {"version": queries.newest_version(request.tenant)}
        return render(request, "scoring/cohorts/associated.html", context)
    found = report.figures
    context |= {
        "found": found,
        "since": date.fromisoformat(found["from"]) if found["from"] else None,
        "until": date.fromisoformat(found["to"]) if found["to"] else None,
        "may_export": can(request.membership, Right.EXPORT),
        **associations.shown(found, request.GET.get("segment", "")),
    }
    return render(request, "scoring/cohorts/associated.html", context)


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_QUALITY)
def associated_export(request: TenantRequest) -> HttpResponse:
    """Every indicator in every segment that is large enough."""
    check_right(request.membership, Right.EXPORT)
    report = associations.chosen_report(queries.associations(request.tenant), request.GET.get("version", ""))
    rows = associations.sheet(report.figures) if report else []
    of = f"version-{report.model.version}" if report else "none"
    return _file(request, "associated", "What is associated with leaving", associations.HEADS, rows, of)
