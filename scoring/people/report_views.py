"""Notices of the person who is signed in, and data reports: facts that somebody called wrong, put right by an admin."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from scoring.people import corrections, feedback, notices, queries, report_rows
from scoring.people.exceptions import Refused
from scoring.people.forms import CloseForm, CorrectionForm
from scoring.people.models import DataReport
from scoring.people.suggestions import name_in
from scoring.people.views import MOST_ID
from scoring.people.words import About, ReportState
from scoring.why.names import label_of
from tenants.access import Right, TenantRequest, tenant_view
from tenants.models import Tenant


@require_GET
@tenant_view()
def notice_list(request: TenantRequest) -> HttpResponse:
    context = {"notices": notices.newest(request.tenant, request.membership)}
    return render(request, "scoring/people/notices.html", context)


@require_POST
@tenant_view()
def dismiss_notice(request: TenantRequest, notice_id: int) -> HttpResponse:
    known = notice_id < MOST_ID and notices.dismiss(request.tenant, request.membership, notice_id=notice_id)
    if not known:
        raise Http404("No such notice.")
    return HttpResponseRedirect(reverse("scoring:notices", args=[request.tenant.slug]), status=303)


@require_GET
@tenant_view(right=Right.CONFIGURE)
def report_list(request: TenantRequest) -> HttpResponse:
    context = {
        "reports": [(row, name_of(row)) for row in queries.reports(request.tenant, request.membership)],
        "corrections": queries.corrections(request.tenant, request.membership),
    }
    return render(request, "scoring/people/reports.html", context)


@require_GET
@tenant_view(right=Right.CONFIGURE)
def report_page(request: TenantRequest, report_id: int) -> HttpResponse:
    report = _report(request, report_id)
    words = report_rows.cleaned(request.GET.get("q", ""))
    return render(request, "scoring/people/report.html", report_context(request.tenant, report, words))


@require_POST
@tenant_view(right=Right.CONFIGURE)
def correct(request: TenantRequest, report_id: int) -> HttpResponse:
    """Put the source row right; the report is done, and whoever opened it is told."""
    report = _report(request, report_id)
    words = report_rows.cleaned(request.POST.get("q", ""))  # the row may be there by that search alone
    found = report_rows.offer(request.tenant, report, words)
    form = CorrectionForm(found.groups, request.POST)
    if form.is_valid():
        source, row_id, field = form.cleaned_data["place"]
        new, why = form.cleaned_data["new"], form.cleaned_data["why"]
        try:
            with transaction.atomic():
                kept = corrections.correct(
                    request.tenant, account=report.account, source=source, row_id=row_id, field=field,
                    new=new, why=why, by=request.actor, report=report,
                )  # fmt: skip
                said = f"{kept.row_label}: {kept.old or 'nothing'} to {kept.new or 'nothing'}. {kept.why}"
                feedback.answer_report(
                    request.tenant, report=report, state=ReportState.CORRECTED, answer=said[:1000], by=request.actor
                )  # fmt: skip
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return _answered(
        request, report, form.is_valid(), {"form": form}, "Corrected. The next scoring counts it."
    )


@require_POST
@tenant_view(right=Right.CONFIGURE)
def close(request: TenantRequest, report_id: int) -> HttpResponse:
    """The fact stays as it is, with the reason; whoever opened the report is told."""
    report = _report(request, report_id)
    form = CloseForm(request.POST)
    if form.is_valid():
        answer = form.cleaned_data["answer"]
        try:
            feedback.answer_report(
                request.tenant, report=report, state=ReportState.CLOSED, answer=answer, by=request.actor
            )
        except Refused as refusal:
            form.add_error("answer", str(refusal))
    return _answered(request, report, form.is_valid(), {"close_form": form}, "Closed without a change.")


def report_context(tenant: Tenant, report: DataReport, words: str = "") -> dict[str, Any]:
    """`words`: what the rows are searched for."""
    found = report_rows.offer(tenant, report, words)
    return {
        "report": report,
        "name": name_of(report),
        "words": words,
        "found": found,
        "correctable": report_rows.correctable(),
        "form": CorrectionForm(found.groups),
        "close_form": CloseForm(),
    }


def name_of(report: DataReport) -> str:
    """What was called wrong: the reason's label, or the suggested play."""
    said = report.feedback
    return label_of(said.key) if said.about == About.REASON else name_in(said.words)


def _report(request: TenantRequest, report_id: int) -> DataReport:
    is_id = report_id < MOST_ID
    report = queries.report(request.tenant, request.membership, report_id=report_id) if is_id else None
    if report is None:
        raise Http404("No such report.")
    return report


def _answered(
    request: TenantRequest, report: DataReport, is_done: bool, refused: dict[str, Any], said: str
) -> HttpResponse:
    if not is_done:
        words = report_rows.cleaned(request.POST.get("q", ""))
        context = report_context(request.tenant, report, words) | refused
        return render(request, "scoring/people/report.html", context, status=422)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("scoring:reports", args=[request.tenant.slug]), status=303)
