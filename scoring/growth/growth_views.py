"""The growth page: accounts that may buy more, and leads for their account executives."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.models import Contact
from accounts.queries import visible_accounts
from scoring import follow_up
from scoring.growth import queries
from scoring.growth.models import GrowthItem
from scoring.growth.words import LEAST, PATTERNS, sentence
from scoring.growth.work import GROWTH
from scoring.outcomes.notes import scope_words
from tenants.access import Right, TenantRequest, tenant_view

PAGE = 25
KINDS = {
    GrowthItem.Kind.EXPANSION: "Accounts that may buy more",
    GrowthItem.Kind.LEAD: "Usage-qualified leads",
}


@require_GET
@tenant_view(right=Right.VIEW_ACCOUNTS)
def growth(request: TenantRequest) -> HttpResponse:
    tenant, viewer = request.tenant, request.membership
    kind = GrowthItem.Kind.LEAD if request.GET.get("kind") == "lead" else GrowthItem.Kind.EXPANSION
    report = queries.report(tenant)
    mine = "1" if request.GET.get("mine") == "1" else ""
    seen = visible_accounts(tenant, viewer)
    if mine:
        seen = seen.filter(ae_email__iexact=viewer.user.email)
    start = _start(request.GET.get("from", ""))
    rows = GrowthItem.objects.for_tenant(tenant).filter(
        kind=kind, account_id__in=seen.order_by().values("pk")
    )
    found = list(
        rows.select_related("account").order_by("-chance", "account__name", "pk")[start : start + PAGE + 1]
    )
    here = reverse("scoring:growth", args=[tenant.slug])
    query = {"kind": kind.value} | ({"mine": mine} if mine else {})
    context: dict[str, Any] = {
        "report": report,
        "when": "" if report else follow_up.when(tenant, GROWTH),
        "kind": kind.value,
        "title": KINDS[kind],
        "mine": mine,
        "lines": _lines(request, found[:PAGE]),
        "total": rows.count(),
        "first": start + 1,
        "last": start + len(found[:PAGE]),
        "patterns": _patterns(report),
        "least": LEAST,
        "scope": scope_words(viewer),
        "newer": f"{here}?{urlencode(query)}" if start else "",
        "older": f"{here}?{urlencode(query | {'from': start + PAGE})}" if len(found) > PAGE else "",
    }
    return render(request, "scoring/growth/growth.html", context)


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _lines(request: TenantRequest, items: list[GrowthItem]) -> list[dict[str, Any]]:
    """Items with their sentences and the names of people; one statement for the names."""
    ids = {item.contact_external_id for item in items if item.contact_external_id}
    people = (
        Contact.objects.for_tenant(request.tenant).filter(external_id__in=ids, erased_at=None) if ids else []
    )
    names = {person.external_id: person.name for person in people}
    return [
        {
            "item": item, "why": sentence(item.pattern, item.facts), "person": names.get(item.contact_external_id, "")
        }
        for item in items
    ]  # fmt: skip


def _patterns(report: Any) -> list[dict[str, Any]]:
    rates = report.figures.get("patterns", {}) if report else {}
    return [{"words": words, **rates[key]} for key, words in PATTERNS.items() if key in rates]
