"""What the account page shows of the customer's life: its stage, what comes next, and signs of growth."""

from typing import Any

from accounts.models import Account
from accounts.panels import Panel, register
from scoring.growth import lists, queries
from tenants.models import Membership, Tenant

GROWTH = "growth"


def growth_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Two statements; everything was worked out at night."""
    report = queries.report(tenant)
    if not lists.is_worked_out(report, lists.Kind.MILESTONE):
        report = None
    found = lists.of_account(tenant, account) if report else {}
    waited = found.get(lists.Kind.MILESTONE, [])
    reports = (report.figures["milestones"] or {}) if report else {}
    for line in waited:
        line["why_not"] = reports.get(line["item"].pattern, {}).get("why_not", "")
    return {
        "report": report,
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
