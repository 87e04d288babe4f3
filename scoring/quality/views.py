"""The model quality page, the button that has its figures worked out anew, and the figures as a file."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from jobs import services as jobs
from jobs.panels import panel_of
from scoring import feedback, follow_up
from scoring.outcomes.services import as_csv, record_export
from scoring.quality import charts, figures, queries, sheet
from scoring.quality.job import NIGHTLY, QUALITY
from scoring.queries import freshness, newest_run
from tenants.access import Right, TenantRequest, ask_again, can, check_right, sees_everything, tenant_view

FEEDBACK_FOR = timedelta(days=90)


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def page(request: TenantRequest) -> HttpResponse:
    return render(request, "scoring/quality/page.html", context_of(request))


def context_of(request: TenantRequest) -> dict[str, Any]:
    """Everything the page shows, out of the newest stored figures: eight statements at most."""
    tenant, viewer = request.tenant, request.membership
    report, scored = queries.newest_report(tenant), newest_run(tenant)
    standing = queries.standing_versions(tenant)
    live = queries.live_of(standing)
    context: dict[str, Any] = {
        "report": report,
        "run": scored,
        "live": live,
        "sources": freshness(scored),
        "drift": queries.newest_drift(tenant),
        "checked_gates": queries.gates_of(tenant, live),
        "reasons": figures.reasons(feedback.counts(tenant, timezone.now() - FEEDBACK_FOR)),
        "may_run": can(viewer, Right.SCORE),
        "may_export": can(viewer, Right.EXPORT),
        "sees_all": sees_everything(viewer),
    }
    if report is None:
        return context | {"when": follow_up.when(tenant, QUALITY)}
    context |= {"is_behind": scored is not None and scored.pk != report.run_id}
    asked = figures.asked_of(request.GET, report.figures)
    shown = figures.shown(report.figures, asked, standing, live)
    names = queries.names_of(tenant, viewer)
    return context | {
        "asked": asked,
        **shown,
        "authors": figures.authors(report.figures["overrides"], names),
        "diagram_words": figures.diagram_words(shown["observed_cell"], shown["tested_cell"]),
        "diagram": charts.reliability_figure(shown["observed_cell"], shown["tested_cell"]),
        "by_month": charts.months_figure(shown["months"], shown["precision_wanted"]),
        "gap_by_month": charts.expected_figure(shown["months"]),
    }


@require_POST
@tenant_view(right=Right.SCORE)
def run(request: TenantRequest) -> HttpResponse:
    """Work the figures out now: one job at a time, whoever asks, and the night's where that waits."""
    job = jobs.enqueue(
        request.tenant, kind=QUALITY, args={}, by=request.actor, dedupe_key=jobs.schedule_key(NIGHTLY)
    )
    if request.htmx:  # type: ignore[attr-defined]
        panel = panel_of(job, slug=request.tenant.slug)
        return render(request, "parts/progress.html", {"every": "1s", **panel})
    return HttpResponseRedirect(reverse("jobs:job", args=[request.tenant.slug, job.pk]), status=303)


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_QUALITY)
def export(request: TenantRequest) -> HttpResponse:
    """Every figure of the newest day as one sheet: section, which, figure, value, interval, counts."""
    check_right(request.membership, Right.EXPORT)
    report = queries.newest_report(request.tenant)
    names = queries.names_of(request.tenant, request.membership)
    rows = sheet.rows(report.figures, names) if report else []
    text, count = as_csv(sheet.HEADS, rows)
    record_export(
        request.tenant,
        what="quality",
        label="Model quality",
        rows=count,
        columns=sheet.HEADS,
        filters={"as_of": report.as_of if report else ""},
        by=request.actor,
        request_id=request.request_id,
    )
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    name = f"model-quality-{report.as_of}.csv" if report else "model-quality.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
