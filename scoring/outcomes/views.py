"""The outcomes page, its panels and trend alone, the rows behind a figure, and what can be downloaded of them."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from scoring.outcomes import charts, figures, notes, queries, services, sheet
from scoring.outcomes.forms import OutcomeFilters
from scoring.outcomes.periods import DEFAULT, period_of
from scoring.outcomes.queries import GROUPS, Asked, shown_name
from scoring.outcomes.words import BY_KEY
from tenants.access import Right, TenantRequest, ask_again, can, tenant_view
from tenants.fields import Field, sees

PAGE = 25


def asked_of(request: TenantRequest, known: Any, chosen: dict[str, Any]) -> Asked:
    """Period, grouping and filters out of what was chosen."""
    period = period_of(
        chosen.get("period", DEFAULT), known=known, since=chosen.get("since"), until=chosen.get("until")
    )
    filters = {name: chosen[name] for name in GROUPS if name in chosen}
    return Asked(period, known, chosen.get("by", "segment"), filters)


def address(request: TenantRequest, name: str, query: dict[str, Any], *args: Any) -> str:
    """The address of a page of this tenant with a query string."""
    return f"{reverse(f'scoring:{name}', args=[request.tenant.slug, *args])}?{urlencode(query)}"


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def page(request: TenantRequest) -> HttpResponse:
    form = OutcomeFilters(request.GET, choices=queries.choices(request.tenant, request.membership))
    context = panels_context(request, form) | {"form": form}
    context |= trend_context(request, context["asked"])
    return render(request, "scoring/outcomes/page.html", context)


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def panels(request: TenantRequest) -> HttpResponse:
    """The figures alone. The browser's address follows as the page's, so that a reload shows the same."""
    context = panels_context(request, OutcomeFilters(request.GET))
    answer = render(request, "scoring/outcomes/_panels.html", context)
    answer.headers["HX-Push-Url"] = context["here"]
    return answer


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def trend(request: TenantRequest) -> HttpResponse:
    known = queries.known_until(queries.last_run(request.tenant))
    asked = asked_of(request, known, OutcomeFilters(request.GET).chosen())
    return render(request, "scoring/outcomes/_trend.html", trend_context(request, asked))


def panels_context(request: TenantRequest, form: OutcomeFilters) -> dict[str, Any]:
    """Tiles, groups, waterfall, bands and remarks: three statements."""
    tenant, viewer = request.tenant, request.membership
    run = queries.last_run(tenant)
    asked = asked_of(request, queries.known_until(run), form.chosen())
    told = queries.stake_told(run)
    sums, groups, before = queries.totals_beside_last_year(tenant, viewer, asked, told=told)
    sees_arr = sees(viewer, Field.ARR)
    tiles = figures.tiles(sums, queries.targets(tenant), sees_arr=sees_arr)
    steps = figures.waterfall(sums) if sees_arr else []
    return {
        "asked": asked,
        "run": run,
        "sums": sums,
        "tiles": figures.beside_last_year(tiles, sums, before, sees_arr=sees_arr),
        "year_ago": asked.period.year_ago,
        "groups": [
            (group, address(request, "outcomes", asked.query | {asked.by: group.name}) if group.name else "")
            for group in figures.groups(groups, asked.by, sees_arr=sees_arr)
        ],
        "group_heads": [
            BY_KEY[key] for key in figures.SHOWN_BY_GROUP if sees_arr or not BY_KEY[key].is_money
        ],
        "by_label": GROUPS[asked.by],
        "steps": steps,
        "waterfall": charts.waterfall_figure(steps),
        "bands": figures.bands(sums),
        "cares": notes.cares(sums, asked, run, viewer, sees_arr=sees_arr),
        "scope": notes.scope_words(viewer),
        "sees_arr": sees_arr,
        "may_export": can(viewer, Right.EXPORT),
        "may_configure": can(viewer, Right.CONFIGURE),
        "currency": tenant.currency,
        "query": urlencode(asked.query),
        "here": address(request, "outcomes", asked.query),
    }


def trend_context(request: TenantRequest, asked: Asked) -> dict[str, Any]:
    """Twelve months, as drawings and as a table: one statement."""
    months = queries.trend(request.tenant, request.membership, asked)
    return {
        "months": months,
        "months_figure": charts.trend_figure(months),
        "arr_figure": charts.arr_figure(months),
        "sees_arr": sees(request.membership, Field.ARR),
        "currency": request.tenant.currency,
    }


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def export(request: TenantRequest) -> HttpResponse:
    """What the screen shows, as a file: each figure for all accounts and each group, steps, bands and months."""
    _may_export(request)
    context = panels_context(request, OutcomeFilters(request.GET))
    asked = context["asked"]
    months = queries.trend(request.tenant, request.membership, asked)
    days = [asked.period.start, asked.period.last]
    body = [[*line, *days, context["currency"]] for line in sheet.figures_of(context)]
    body += [[*line, context["currency"]] for line in sheet.months_of(months, sees_arr=context["sees_arr"])]
    return _file(request, "figures", f"outcomes-{days[0]}-{days[1]}.csv", sheet.HEADS, body, asked.query)


def _may_export(request: TenantRequest) -> None:
    from tenants.access import check_right

    check_right(request.membership, Right.EXPORT)


def _file(
    request: TenantRequest,
    what: str,
    name: str,
    heads: list[str],
    body: list[list[Any]],
    filters: dict[str, Any],
    *,
    total: int | None = None,
) -> HttpResponse:
    text, count = services.as_csv(heads, body, total=total)
    services.record_export(
        request.tenant,
        what=what,
        label=f"Outcomes: {what}",
        rows=count,
        columns=heads,
        filters=filters,
        by=request.actor,
        request_id=request.request_id,
    )
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# --- the rows behind a figure --------------------------------------------------------------------


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def rows_page(request: TenantRequest) -> HttpResponse:
    form = OutcomeFilters(request.GET, choices=queries.choices(request.tenant, request.membership))
    context = rows_context(request, form) | {"form": form}
    return render(request, "scoring/outcomes/rows.html", context)


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def rows_list(request: TenantRequest) -> HttpResponse:
    context = rows_context(request, OutcomeFilters(request.GET))
    answer = render(request, "scoring/outcomes/_rows.html", context)
    answer.headers["HX-Push-Url"] = context["here"]
    return answer


def rows_context(request: TenantRequest, form: OutcomeFilters) -> dict[str, Any]:
    """One page of the accounts behind a figure, with the sums of all of them: two statements."""
    figure = request.GET.get("figure", "churn")
    behind = behind_of(request, figure)
    known = queries.known_until(queries.last_run(request.tenant))
    asked = asked_of(request, known, form.chosen())
    after = request.GET.get("after", "")
    found = queries.rows(
        request.tenant, request.membership, asked, where=behind.where,
        order=order_of(request, behind), summed=behind.summed,
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None, limit=PAGE,
    )  # fmt: skip
    place = {"after": found.older} if found.older else {}
    return {
        "asked": asked,
        "figure_key": figure,
        "title": figures.title_of(figure),
        "words": figures.rows_words(figure),
        "definition": BY_KEY[figure].definition if figure in BY_KEY else "",
        "columns": shown_columns(request, behind),
        "page": found,
        "lines": [line_of(row, shown_columns(request, behind)) for row in found.rows],
        "sums_line": [(kind, found.sums.get(name)) for name, _, kind in shown_columns(request, behind)],
        "older": address(request, "outcome_rows", {"figure": figure} | asked.query | place) if place else "",
        "older_rows": address(request, "outcome_rows_list", {"figure": figure} | asked.query | place)
        if place
        else "",
        "is_first": not after or found.first <= 1,
        "first_page": address(request, "outcome_rows", {"figure": figure} | asked.query),
        "first_rows": address(request, "outcome_rows_list", {"figure": figure} | asked.query),
        "here": address(
            request, "outcome_rows", {"figure": figure} | asked.query | ({"after": after} if after else {})
        ),
        "outcomes_url": address(request, "outcomes", asked.query),
        "query": urlencode(asked.query),
        "scope": notes.scope_words(request.membership),
        "may_export": can(request.membership, Right.EXPORT),
        "most_rows": services.MOST_ROWS if found.total > services.MOST_ROWS else None,
        "currency": request.tenant.currency,
    }


def behind_of(request: TenantRequest, figure: str) -> figures.Behind:
    """What stands behind a figure; 404 for an unknown one and for one that this role's field rules cover."""
    behind = figures.BEHIND.get(figure)
    if behind is None or (figures.needs_arr(figure) and not sees(request.membership, Field.ARR)):
        raise Http404("No such figure.")
    return behind


def order_of(request: TenantRequest, behind: figures.Behind) -> str:
    return behind.order_for(sees_arr=sees(request.membership, Field.ARR))


def shown_columns(request: TenantRequest, behind: figures.Behind) -> tuple[tuple[str, str, str], ...]:
    if sees(request.membership, Field.ARR):
        return behind.columns
    return tuple(column for column in behind.columns if column[2] not in ("money", "bound"))


def line_of(row: dict[str, Any], columns: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    return {
        **row,
        "segment_label": shown_name("segment", row["segment"]),
        "cells": [(kind, row[name]) for name, _, kind in columns],
    }


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def rows_export(request: TenantRequest) -> HttpResponse:
    """All rows behind a figure, up to 10,000, in the order of the page."""
    _may_export(request)
    figure = request.GET.get("figure", "churn")
    behind = behind_of(request, figure)
    known = queries.known_until(queries.last_run(request.tenant))
    asked = asked_of(request, known, OutcomeFilters(request.GET).chosen())
    found = queries.rows(
        request.tenant, request.membership, asked, where=behind.where,
        order=order_of(request, behind), summed=behind.summed,
        limit=services.MOST_ROWS,
    )  # fmt: skip
    heads, body = sheet.rows_of(found.rows, shown_columns(request, behind), currency=request.tenant.currency)
    name = f"outcomes-{figure}-{asked.period.start}.csv"
    return _file(request, figure, name, heads, body, asked.query, total=found.total)
