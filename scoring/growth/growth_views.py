"""The growth page: who may buy more, leads, who has improved, and what comes next in each customer's life."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.queries import visible_accounts
from jobs import services as jobs
from jobs.panels import panel_of
from scoring import follow_up
from scoring.growth import lists, queries
from scoring.growth.lifecycle import LEAST_REACHED
from scoring.growth.models import GrowthItem
from scoring.growth.words import LEAST, PATTERNS
from scoring.growth.work import GROWTH, NIGHTLY
from scoring.outcomes.notes import scope_words
from scoring.outcomes.services import MOST_ROWS, as_csv, record_export
from tenants.access import Right, TenantRequest, ask_again, can, check_right, tenant_view

PAGE = 25


@require_GET
@tenant_view(right=Right.VIEW_ACCOUNTS)
def growth(request: TenantRequest) -> HttpResponse:
    tenant, viewer = request.tenant, request.membership
    chosen, mine = _asked(request)
    report = queries.report(tenant)
    start = _start(request.GET.get("from", ""))
    is_known = lists.is_worked_out(report, chosen.kind)
    rows = _items(request, chosen, mine=mine)
    rows = rows if is_known else rows.none()
    found = list(rows.select_related("account").order_by(*chosen.order)[start : start + PAGE + 1])
    here = reverse("scoring:growth", args=[tenant.slug])
    whole = queries.sees_everything(viewer)
    past = report.figures if report and whole else {}  # counts of accounts that the viewer may not see
    query = _query(chosen, mine=mine)
    context: dict[str, Any] = {
        "report": report,
        "is_known": is_known,
        "when": "" if is_known else follow_up.when(tenant, GROWTH),
        "may_run": can(viewer, Right.SCORE),
        "kind": chosen.kind,
        "lists": lists.LISTS.values(),
        "chosen": chosen,
        "line_template": f"scoring/growth/{chosen.template}",
        "mine": mine,
        "query": urlencode(query),
        "lines": lists.lines_of(tenant, viewer, found[:PAGE]),
        "total": rows.count(),
        "first": start + 1,
        "last": start + len(found[:PAGE]),
        "whole": whole,
        "patterns": _patterns(past),
        "milestones": past.get("milestones"),
        "trials": past.get("trials"),
        "least": LEAST,
        "least_reached": LEAST_REACHED,
        "scope": scope_words(viewer),
        "may_export": can(viewer, Right.EXPORT),
        "newer": f"{here}?{urlencode(query)}" if start else "",
        "older": f"{here}?{urlencode(query | {'from': start + PAGE})}" if len(found) > PAGE else "",
    }
    return render(request, "scoring/growth/growth.html", context)


@require_POST
@tenant_view(right=Right.SCORE)
def growth_run(request: TenantRequest) -> HttpResponse:
    """Work the lists and the forecasts out now: one job at a time, whoever asks, and the night's where that waits."""
    job = jobs.enqueue(
        request.tenant, kind=GROWTH, args={}, by=request.actor, dedupe_key=jobs.schedule_key(NIGHTLY)
    )
    if request.htmx:  # type: ignore[attr-defined]
        panel = panel_of(job, slug=request.tenant.slug)
        return render(request, "parts/progress.html", {"every": "1s", **panel})
    return HttpResponseRedirect(reverse("jobs:job", args=[request.tenant.slug, job.pk]), status=303)


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_ACCOUNTS)
def growth_export(request: TenantRequest) -> HttpResponse:
    """The list that is shown, whole, as a file."""
    check_right(request.membership, Right.EXPORT)
    chosen, mine = _asked(request)
    rows = _items(request, chosen, mine=mine).select_related("account").order_by(*chosen.order)
    lines = lists.lines_of(request.tenant, request.membership, list(rows[:MOST_ROWS]))
    heads = ["account_external_id", "account", *chosen.heads]
    body = [[_account(line).external_id, _account(line).name, *chosen.cells(line)] for line in lines]
    text, count = as_csv(heads, body, total=rows.count())
    record_export(
        request.tenant, what="growth", label=f"Growth: {chosen.title}", rows=count, columns=heads,
        filters=_query(chosen, mine=mine), by=request.actor, request_id=request.request_id,
    )  # fmt: skip
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="growth-{chosen.kind}.csv"'
    return answer


def _account(line: dict[str, Any]) -> Any:
    return line["item"].account


def _asked(request: TenantRequest) -> tuple[lists.List, bool]:
    """What does not fit is ignored: a list has no wrong address."""
    kind = request.GET.get("kind", "")
    return lists.LISTS.get(kind, lists.LISTS[GrowthItem.Kind.EXPANSION]), request.GET.get("mine") == "1"


def _query(chosen: lists.List, *, mine: bool) -> dict[str, str]:
    return {"kind": str(chosen.kind)} | ({"mine": "1"} if mine else {})


def _items(request: TenantRequest, chosen: lists.List, *, mine: bool) -> lists.Items:
    """Of the accounts that the viewer may see; `mine`: where the viewer is the account executive."""
    seen = visible_accounts(request.tenant, request.membership)
    if mine:
        seen = seen.filter(ae_email__iexact=request.membership.user.email)
    rows = GrowthItem.objects.for_tenant(request.tenant).filter(kind=chosen.kind)
    return rows.filter(account_id__in=seen.order_by().values("pk"))


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _patterns(figures: dict[str, Any]) -> list[dict[str, Any]]:
    rates = figures.get("patterns", {})
    return [{"words": words, **rates[key]} for key, words in PATTERNS.items() if key in rates]
