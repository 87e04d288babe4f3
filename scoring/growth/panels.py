"""What the account page shows of the customer's life: its stage, what comes next, and signs of growth."""

from typing import Any

from accounts.models import Account
from accounts.panels import Panel, register
from scoring.growth import lists, queries
from tenants.models import Membership, Tenant

GROWTH = "growth"
TOO_FEW_PAST = "Not enough of the past to judge by."


def growth_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Two statements; everything was worked out at night."""
    report = queries.report(tenant)
    if not lists.is_worked_out(report, lists.Kind.MILESTONE):
        report = None
    found = lists.of_account(tenant, viewer, account) if report else {}
    waited = found.get(lists.Kind.MILESTONE, [])
    whole = queries.sees_everything(viewer)
    reports = (report.figures["milestones"] or {}) if report else {}
    for line in waited:
        why_not = reports.get(line["item"].pattern, {}).get("why_not", "")
        line["why_not"] = why_not if whole or not why_not else TOO_FEW_PAST
    return {
        "report": report,
        "whole": whole,
        "as_of": report.as_of if report else None,
        "life": waited[0] if waited else None,
        "waited": waited,
        "trial": next(iter(found.get(lists.Kind.TRIAL, [])), None),
        "gains": found.get(lists.Kind.IMPROVING, []),
        "signs": found.get(lists.Kind.EXPANSION, []),
    }


def register_panels() -> None:
    """Called once at start-up."""
    template = "scoring/growth/panel.html"
    register(Panel(GROWTH, "Stage and what comes next", 47, template, growth_context, lazy=True))
