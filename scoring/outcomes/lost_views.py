"""Customers that left: the list with its causes, the page of each, and the correction of a cause."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts import facts
from scoring import charts as health_charts
from scoring.flagging import IN_TIME_DAYS
from scoring.leaving import LABELS
from scoring.outcomes import lost, notes, queries, services
from scoring.outcomes.forms import CorrectForm, LostFilters
from scoring.outcomes.views import PAGE, _file, _may_export, address, asked_of
from scoring.outcomes.words import CAUSE_LABELS
from tenants.access import Right, TenantRequest, ask_again, can, check_right, tenant_view
from tenants.fields import Field, sees


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def lost_page(request: TenantRequest) -> HttpResponse:
    form = LostFilters(request.GET, choices=queries.choices(request.tenant, request.membership))
    return render(request, "scoring/outcomes/lost.html", lost_context(request, form) | {"form": form})


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def lost_list(request: TenantRequest) -> HttpResponse:
    context = lost_context(request, LostFilters(request.GET))
    answer = render(request, "scoring/outcomes/_lost.html", context)
    answer.headers["HX-Push-Url"] = context["here"]
    return answer


def _found(request: TenantRequest, form: LostFilters) -> tuple[Any, list[lost.Lost], dict[str, Any]]:
    """What was asked for, who left within it (before the filter by cause), and the query string: three statements."""
    known = queries.known_until(queries.last_run(request.tenant))
    chosen = form.chosen()
    asked = asked_of(request, known, chosen)
    query = asked.query | ({"cause": chosen["cause"]} if "cause" in chosen else {})
    query.pop("by")
    return asked, lost.customers_lost(request.tenant, request.membership, asked), query


def lost_context(request: TenantRequest, form: LostFilters) -> dict[str, Any]:
    """One page of those that left, with what all of them add up to."""
    asked, everybody, query = _found(request, form)
    rows = [each for each in everybody if query.get("cause", "") in ("", each.shown_cause)]
    shown, first, older = _page(rows, request.GET.get("after", ""))
    place = query | {"after": older}
    return {
        "asked": asked,
        "rows": shown,
        "first": first,
        "last": first + len(shown) - 1,
        "total": len(rows),
        "everybody": len(everybody),
        "arr": lost.arr_of(rows),
        "unrated": sum(each.unrated for each in rows),
        "by_cause": lost.tally(everybody, lambda each: each.shown_cause, lambda name: CAUSE_LABELS[name]),
        "by_kind": lost.tally(everybody, lambda each: each.kind, lambda name: LABELS[name]),
        "by_segment": lost.tally(
            everybody, lambda each: each.segment, lambda name: queries.shown_name("segment", name)
        ),
        "lead": lost.lead_time(everybody),
        "lead_by_chance": lost.lead_by_chance(everybody),
        "high_from": everybody[0].high_from if everybody else None,
        "afterwards": sum(each.is_afterwards for each in everybody),
        "in_time_days": IN_TIME_DAYS,
        "wanted_days": lost.WANTED_DAYS,
        "filtered": bool(asked.chosen or "cause" in query),
        "older": address(request, "outcome_lost", place) if older else "",
        "older_rows": address(request, "outcome_lost_list", place) if older else "",
        "first_page": address(request, "outcome_lost", query) if first > 1 else "",
        "first_rows": address(request, "outcome_lost_list", query) if first > 1 else "",
        "here": address(request, "outcome_lost", query),
        "outcomes_url": address(request, "outcomes", asked.query),
        "query": urlencode(query),
        "scope": notes.scope_words(request.membership),
        "sees_arr": sees(request.membership, Field.ARR),
        "may_export": can(request.membership, Right.EXPORT),
        "currency": request.tenant.currency,
    }


def _page(rows: list[lost.Lost], after: str) -> tuple[list[lost.Lost], int, int | None]:
    """The rows behind an account, the place of the first one, and where the next page begins."""
    places = {str(each.id): place for place, each in enumerate(rows, start=1)}
    begin = places.get(after, 0)
    shown = rows[begin : begin + PAGE]
    more = len(rows) > begin + PAGE
    return shown, begin + 1, shown[-1].id if more else None


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def lost_export(request: TenantRequest) -> HttpResponse:
    _may_export(request)
    asked, everybody, query = _found(request, LostFilters(request.GET))
    rows = [each for each in everybody if query.get("cause", "") in ("", each.shown_cause)]
    heads = [
        "account_id", "account", *queries.GROUPS, "left_on", "notice_on", "first_flag", "days_of_warning",
        "chance_flag", "plays", "plays_while_flagged", "scored_afterwards", "left_by", "missed_because", "by_rule",
        "corrected_by", "reason",
    ]  # fmt: skip
    sees_arr = sees(request.membership, Field.ARR)
    body = [_cells(each, sees_arr) for each in rows[: services.MOST_ROWS]]
    name = f"lost-{asked.period.start}-{asked.period.last}.csv"
    return _file(request, "lost", name, heads + (["arr", "currency"] if sees_arr else []), [
        [*line, *([request.tenant.currency] if sees_arr else [])] for line in body
    ], query, total=len(rows))  # fmt: skip


def _cells(each: lost.Lost, sees_arr: bool) -> list[Any]:
    named = [each.row[name] for name in ("external_id", "name", *queries.GROUPS)]
    told = [each.left_day, each.notice_day, each.first_flag, each.warning, each.chance_flag, len(each.plays)]
    told += [len(each.plays_while_flagged), "yes" if each.is_afterwards else "no"]
    why = [each.kind_label, each.cause_label, each.rule_label, each.author_label or "", each.reason or ""]
    return [*named, *told, *why, *([None if each.unrated else each.arr] if sees_arr else [])]


# --- one customer ---------------------------------------------------------------------------------


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def post_mortem(request: TenantRequest, account_id: int) -> HttpResponse:
    return render(request, "scoring/outcomes/post_mortem.html", post_mortem_context(request, account_id))


def _one(request: TenantRequest, account_id: int) -> lost.Lost:
    if account_id >= 2**63:
        raise Http404("No such account.")
    run = queries.last_run(request.tenant)
    found = lost.customer_lost(
        request.tenant, request.membership, account_id=account_id, known=queries.known_until(run)
    )
    if found is None:
        raise Http404("No such account among those that left.")
    return found


def post_mortem_context(
    request: TenantRequest, account_id: int, form: CorrectForm | None = None
) -> dict[str, Any]:
    """Everything that was known of one customer before it left."""
    found = _one(request, account_id)
    points = lost.history(request.tenant, account_id=account_id, last=found.left_day)
    account = queries.account_named(request.tenant, request.membership, account_id=account_id)
    if account is None:
        raise Http404("No such account.")
    initial = {"cause": found.shown_cause, "reason": found.reason or "", "version": found.version}
    return {
        "lost": found,
        "account": account,
        "points": list(reversed(points)),
        "figure": health_charts.health_figure(points, None),
        "known": [point.health for point in points if point.health is not None],
        "afterwards": sum((point.recorded_at.date() - point.as_of).days > IN_TIME_DAYS for point in points),
        "in_time_days": IN_TIME_DAYS,
        "sources": _sources(request, found, account),
        "too_late_days": lost.TOO_LATE_DAYS,
        "form": form or CorrectForm(initial=initial),
        "may_correct": can(request.membership, Right.WORK_QUEUE),
        "sees_arr": sees(request.membership, Field.ARR),
        "currency": request.tenant.currency,
    }


def _sources(request: TenantRequest, found: lost.Lost, account: Any) -> list[dict[str, Any]]:
    """Each source's newest row, and how many days it had been silent on the last day; None: there never was one."""
    lines = []
    for source in facts.sources(request.tenant, account):
        newest = source["newest"].date() if source["newest"] else None
        silent = (found.last_day - newest).days if newest else None
        lines.append({"name": source["name"], "newest": newest, "silent": silent})
    return lines


@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def correct(request: TenantRequest, account_id: int) -> HttpResponse:
    """Another cause, with a reason; for those who work on accounts and see outcomes: managers."""
    found = _one(request, account_id)
    check_right(request.membership, Right.WORK_QUEUE)
    form = CorrectForm(request.POST)
    if form.is_valid():
        try:
            services.correct_cause(
                request.tenant,
                account_id=account_id,
                account_name=found.name,
                rule_cause=found.by_rule,
                by=request.actor,
                request_id=request.request_id,
                **form.cleaned_data,
            )
        except services.Stale:
            form.add_error(None, "Somebody changed this meanwhile. Read it again; your words are kept below.")
            context = post_mortem_context(request, account_id, form)
            return render(request, "scoring/outcomes/post_mortem.html", context, status=409)
        messages.success(request, "Cause corrected. The rule's own answer stays beside it.")
        page = reverse("scoring:outcome_post_mortem", args=[request.tenant.slug, account_id])
        return HttpResponseRedirect(page, status=303)
    return render(
        request,
        "scoring/outcomes/post_mortem.html",
        post_mortem_context(request, account_id, form),
        status=422,
    )
