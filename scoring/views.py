"""The scores page, "score now", and overrides. Nothing here computes a score: jobs do."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account
from accounts.panels import panels
from accounts.queries import visible_account
from jobs import services as jobs
from jobs.panels import panel_of
from scoring import affected, queries, reference, services, tasks
from scoring.automation import notices
from scoring.automation.holds import LATE
from scoring.bands import BANDS, UNKNOWN
from scoring.catalogue import INDICATORS
from scoring.exceptions import OverrideRefused
from scoring.panels import OVERRIDE, STANDING, override_context, standing_context
from tenants.access import Right, TenantRequest, can, sees_everything, tenant_view


@require_GET
@tenant_view()
def scores(request: TenantRequest) -> HttpResponse:
    """What was scored when, under which policies, from which sources."""
    run = queries.newest_run(request.tenant)
    coverage = run.summary.get("coverage", {}) if run else {}
    context = {
        "run": run,
        "runs": queries.recent_runs(request.tenant),
        "sources": queries.freshness(run),
        "coverage": [(each, coverage[each.key]) for each in INDICATORS if each.key in coverage],
        "bands": [(band, run.summary["bands"][band]) for band in (*BANDS, UNKNOWN)]
        if coverage and run
        else [],
        "policies": queries.published_policies(request.tenant),
        # numbers of accounts in the whole workspace are for those who see all of them
        "sees_all": sees_everything(request.membership),
        "sees_quality": can(request.membership, Right.VIEW_QUALITY),
        "may_score": can(request.membership, Right.SCORE),
        "may_configure": can(request.membership, Right.CONFIGURE),
    }
    return render(request, "scoring/scores.html", context)


@require_GET
@tenant_view()
def affected_accounts(request: TenantRequest) -> HttpResponse:
    """The accounts that the viewer may see whose scores a late, empty or shifted source touches."""
    tenant, after = request.tenant, request.GET.get("after", "")
    run = notices.told_with(tenant, queries.finished_runs(tenant)).order_by("-as_of", "-pk").first()
    wrong = affected.troubles(run)
    page, here = affected.Page([]), affected.page_url(tenant)
    if run is not None and wrong:
        place = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
        page = affected.accounts(tenant, request.membership, run, wrong, after=place)
    counts = page.by_source or {}
    context = {
        "run": run,
        "wrong": [(each, counts.get(each.source, 0)) for each in wrong],
        "only_late": all(each.kind == LATE for each in wrong),
        "page": page,
        "first_page": here,
        "older": f"{here}?after={page.older}" if page.older else "",
    }
    return render(request, "scoring/affected.html", context)


@require_GET
@tenant_view()
def indicators(request: TenantRequest) -> HttpResponse:
    """Every declared indicator: what it is, what it weighs, of how many customers it is known."""
    newest = queries.newest_run(request.tenant)
    context = {
        "run": newest,
        "groups": reference.groups(queries.published_policies(request.tenant), newest),
        "factors": reference.factors(),
        "total": len(INDICATORS),
        "sees_all": sees_everything(request.membership),
        "may_configure": can(request.membership, Right.CONFIGURE),
    }
    return render(request, "scoring/indicators.html", context)


@require_POST
@tenant_view(right=Right.SCORE)
def run(request: TenantRequest) -> HttpResponse:
    """Score now: one job at a time, whoever asks."""
    actor = request.actor
    job = jobs.enqueue(
        request.tenant,
        kind=tasks.SCORE,
        args={"actor": {"kind": actor.kind, "id": actor.id, "label": actor.label}},
        by=actor,
        dedupe_key=tasks.SCORE,
    )
    if request.htmx:  # type: ignore[attr-defined]
        return render(
            request, "parts/progress.html", {"every": "1s", **panel_of(job, slug=request.tenant.slug)}
        )
    return HttpResponseRedirect(reverse("jobs:job", args=[request.tenant.slug, job.pk]), status=303)


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def override(request: TenantRequest, account_id: int) -> HttpResponse:
    """A person's own number beside the computed one."""
    account = _account(request, account_id)
    context = override_context(request.tenant, request.membership, account, data=request.POST)
    form = context["override_form"]
    if form.is_valid():
        try:
            services.set_override(
                request.tenant, account_id=account.pk, by=request.actor, **form.cleaned_data
            )
        except OverrideRefused as refusal:
            form.add_error(refusal.field, str(refusal))
    if form.is_valid():
        return _done(request, account, "Override saved. Both numbers stay visible.")
    context |= {"account": account, "panel": panels[OVERRIDE]}
    template = "scoring/panels/override.html" if request.htmx else "accounts/panel_page.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=422)


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def end_override(request: TenantRequest, account_id: int) -> HttpResponse:
    """The computed number stands alone again; harmless when there is no override."""
    account = _account(request, account_id)
    services.end_override(request.tenant, account_id=account.pk, by=request.actor)
    return _done(request, account, "The override has ended.")


def _account(request: TenantRequest, account_id: int) -> Account:
    account = (
        visible_account(request.tenant, request.membership, account_id=account_id)
        if account_id < 2**63
        else None
    )
    if account is None:
        raise Http404("No such account.")
    return account


def _done(request: TenantRequest, account: Account, said: str) -> HttpResponse:
    """The fresh panel, the head of the page out of band, and what happened; or back to the page."""
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, said)
        page = reverse("accounts:account", args=[request.tenant.slug, account.pk])
        return HttpResponseRedirect(f"{page}?panels=all#panel-{OVERRIDE}", status=303)
    context: dict[str, Any] = {
        **standing_context(request.tenant, request.membership, account),
        **override_context(request.tenant, request.membership, account),
        "account": account,
        "panel": panels[OVERRIDE],
        "standing_panel": panels[STANDING],
        "toast_text": said,
    }
    return render(request, "scoring/_override_done.html", context)
