"""The renewals page: four quarters, the groups of one of them, and the terms behind; all of it as files too."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from scoring import follow_up
from scoring.growth import quarters, queries
from scoring.growth.queries import GROUPS, PAGE, Asked, Cell
from scoring.growth.work import GROWTH
from scoring.outcomes.notes import scope_words
from scoring.outcomes.queries import shown_name
from scoring.outcomes.services import MOST_ROWS, as_csv, record_export
from scoring.queries import newest_run
from tenants.access import Right, TenantRequest, ask_again, can, check_right, tenant_view
from tenants.fields import Field, sees


class RenewalFilters(forms.Form):
    """What does not fit is ignored: a list has no wrong address."""

    by = forms.ChoiceField(required=False, label="By", choices=list(GROUPS.items()))

    def __init__(self, data: Any, *, made: list[date], choices: dict[str, list[str]]) -> None:
        super().__init__(data)
        named = [(str(each), quarters.named(each)) for each in made]
        self.fields["quarter"] = forms.ChoiceField(required=False, label="Quarter", choices=named)
        for name, label in GROUPS.items():
            offered = [("", "All"), *((each, shown_name(name, each)) for each in choices[name])]
            self.fields[name] = forms.ChoiceField(required=False, label=label, choices=offered)
        self.order_fields(["quarter", "by", *GROUPS])

    def asked(self, quarter: date) -> Asked:
        self.is_valid()
        found = {name: value for name, value in self.cleaned_data.items() if value}
        return Asked(
            date.fromisoformat(found.get("quarter", str(quarter))),
            found.get("by", "segment"),
            {name: found[name] for name in GROUPS if name in found},
        )


@require_GET
@tenant_view(right=Right.VIEW_OUTCOMES)
def renewals(request: TenantRequest) -> HttpResponse:
    return render(request, "scoring/growth/renewals.html", context_of(request))


def context_of(request: TenantRequest) -> dict[str, Any]:
    """Everything on the page; nothing but the state of the job where nothing was worked out yet."""
    tenant, viewer = request.tenant, request.membership
    report = queries.report(tenant)
    made = queries.forecasts(tenant, report.as_of) if report else {}
    sees_arr = sees(viewer, Field.ARR)
    context = {
        "report": report,
        "sees_arr": sees_arr,
        "currency": tenant.currency,
        "scope": scope_words(viewer),
        "may_export": can(viewer, Right.EXPORT),
        "may_configure": can(viewer, Right.CONFIGURE),
    }
    if report is None or not made:
        return context | {"run": newest_run(tenant), "when": follow_up.when(tenant, GROWTH)}
    form = RenewalFilters(request.GET, made=list(made), choices=queries.choices(tenant, viewer))
    asked = form.asked(min(made))
    whole, groups, missing = queries.cells(tenant, viewer, made, asked, report.as_of, by_money=sees_arr)
    return context | {
        "form": form,
        "asked": asked,
        "asked_label": quarters.named(asked.quarter),
        "query": urlencode(asked.query),
        "stake_query": urlencode({"figure": "stake", **asked.chosen}),
        "lines": lines_of(request, made, asked, whole),
        "groups": groups,
        "by_label": GROUPS[asked.by],
        "missing": missing,
        "is_calibrated": bool(made[asked.quarter].model_version),
        "model": made[asked.quarter].model_version,
        "beside": queries.beside(tenant, viewer, asked, report.as_of),
        "target": queries.targets(made, viewer, asked),
        "past": report.figures["renewals"] if queries.sees_everything(viewer) else None,
        "simulations": made[asked.quarter].figures["all"],
        **terms_context(request, asked, report.as_of),
    }


def lines_of(
    request: TenantRequest, made: dict[date, Any], asked: Asked, whole: dict[date, Cell]
) -> list[dict[str, Any]]:
    """A line a quarter, also where nothing is due."""
    found = []
    for quarter in made:
        query = urlencode({**asked.query, "quarter": str(quarter)})
        url = f"{reverse('scoring:renewals', args=[request.tenant.slug])}?{query}#terms"
        found.append(
            {
                "quarter": quarter, "label": quarters.named(quarter), "cell": whole.get(quarter), "url": url,
                "is_shown": quarter == asked.quarter,
            }
        )  # fmt: skip
    return found


def terms_context(request: TenantRequest, asked: Asked, as_of: date) -> dict[str, Any]:
    after = request.GET.get("after", "")
    known = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
    page = queries.terms(
        request.tenant, request.membership, asked, as_of, after=known, limit=PAGE,
        by_money=sees(request.membership, Field.ARR),
    )  # fmt: skip
    here = reverse("scoring:renewals", args=[request.tenant.slug])
    return {
        "page": page,
        "older": f"{here}?{urlencode({**asked.query, 'after': page.after})}#terms" if page.after else "",
        "newer": f"{here}?{urlencode(asked.query)}#terms" if page.first > 1 else "",
    }


HEADS = (
    "table", "quarter", "by", "group", "terms", "accounts", "arr", "expected", "low_80", "high_80", "without_chance",
    "without_rate", "interval", "currency", "as_of",
)  # fmt: skip


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def renewals_export(request: TenantRequest) -> HttpResponse:
    """The two tables of the screen: every quarter, and the groups of the one that is shown."""
    check_right(request.membership, Right.EXPORT)
    context = context_of(request)
    body = []
    if context.get("asked"):
        cells = [("quarters", "", line["cell"]) for line in context["lines"] if line["cell"]]
        cells += [("groups", context["asked"].by, cell) for cell in context["groups"]]
        body = [[*_cells(context, *each), context["currency"], context["report"].as_of] for each in cells]
    return _file(request, "renewals", list(HEADS), body, context.get("asked"))


def _cells(context: dict[str, Any], table: str, by: str, cell: Cell) -> list[Any]:
    amounts: list[Any] = [None] * 4
    if context["sees_arr"]:
        expected = cell.expected if cell.low is not None else None
        amounts = [
            cell.arr,
            expected,
            *(None if each is None else round(each, 2) for each in (cell.low, cell.high)),
        ]
    how = "" if cell.low is None else "simulated" if cell.is_simulated else "approximate"
    return [
        table,
        cell.label,
        by,
        cell.name,
        cell.terms,
        cell.accounts,
        *amounts,
        cell.unknown,
        cell.unrated,
        how,
    ]


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.VIEW_OUTCOMES)
def terms_export(request: TenantRequest) -> HttpResponse:
    """Every term behind the quarter that is shown."""
    check_right(request.membership, Right.EXPORT)
    report = queries.report(request.tenant)
    made = queries.forecasts(request.tenant, report.as_of) if report else {}
    if report is None or not made:
        return _file(request, "terms", [], [], None)
    choices = queries.choices(request.tenant, request.membership)
    asked = RenewalFilters(request.GET, made=list(made), choices=choices).asked(min(made))
    money = sees(request.membership, Field.ARR)
    page = queries.terms(
        request.tenant, request.membership, asked, report.as_of, after=None, limit=MOST_ROWS, by_money=money
    )
    heads = ["account", "term", "product", "segment", "region", "renewal_date", "chance_to_renew"]
    names = ["name", "subscription_external_id", "product", "segment", "region", "renewal_date", "p_renew"]
    if money:
        heads += ["arr", "currency", "arr_in_reporting_currency", "expected", "reporting_currency"]
        names += ["arr", "currency", "arr_reporting", "expected"]
    ending = [request.tenant.currency] if money else []
    body = [[*(row[name] for name in names), *ending] for row in page.rows]
    return _file(request, "terms", heads, body, asked, total=page.total)


def _file(
    request: TenantRequest, what: str, heads: list[str], body: list[list[Any]], asked: Asked | None,
    *, total: int | None = None,
) -> HttpResponse:  # fmt: skip
    text, count = as_csv(heads, body, total=total)
    record_export(
        request.tenant, what=what, label=f"Renewals: {what}", rows=count, columns=heads,
        filters=asked.query if asked else {}, by=request.actor, request_id=request.request_id,
    )  # fmt: skip
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    quarter = f"-{asked.quarter}" if asked else ""
    answer.headers["Content-Disposition"] = f'attachment; filename="renewals-{what}{quarter}.csv"'
    return answer
