"""Panels of the account page: a CSM's sentiment, and the people as those who work with them know them."""

from typing import Any

from accounts.models import Account, Contact
from accounts.panels import Panel, register
from scoring.clock import tenant_today
from scoring.people import queries
from scoring.people.forms import DepartedForm, ObservationForm, PersonForm, SentimentForm
from scoring.people.vulnerability import counts_on, vulnerability
from scoring.people.words import SentimentReason
from tenants.access import Right, can
from tenants.models import Membership, Tenant

SENTIMENT, NOTICED = "sentiment", "noticed"
MOST_PEOPLE = 200


def sentiment_context(
    tenant: Tenant, viewer: Membership, account: Account, data: Any = None
) -> dict[str, Any]:
    """What holds now, what was said before, and the form. Two statements."""
    today = tenant_today(tenant)
    rows = queries.sentiments(tenant, account_id=account.pk)
    held = [row for row in rows if row.withdrawn_at is None and row.valid_until >= today]
    now = held[0] if held else None
    return {
        "sentiment": now,
        "sentiment_reasons": _reasons(now.reasons) if now else [],
        "sentiments": [(row, _reasons(row.reasons)) for row in rows if now is None or row.pk != now.pk],
        "sentiment_form": SentimentForm(data, today=today),
        "today": today,
    }


def _reasons(keys: list[str]) -> list[str]:
    return [SentimentReason(key).label for key in keys if key in SentimentReason.values]


def noticed_context(
    tenant: Tenant, viewer: Membership, account: Account, forms: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Who left, who came, and for those who may see it what was noticed and what it adds. Two statements."""
    today = tenant_today(tenant)
    may_see = queries.may_see_observations(viewer, account)
    people = here(tenant, account) if may_see or can(viewer, Right.WORK_QUEUE) else []
    rows = queries.observations(tenant, viewer, account)
    context = {
        "may_see_observations": may_see,
        "observations": [(row, counts_on(row, today)) for row in rows],
        "vulnerability": vulnerability(rows, today=today),
        "people_here": people,
        "observation_form": ObservationForm(people, today=today),
        "departed_form": DepartedForm(people, today=today),
        "person_form": PersonForm(today=today),
        "today": today,
    }
    return context | (forms or {})


def here(tenant: Tenant, account: Account) -> list[tuple[int, str]]:
    """The people who have not left, champions first, as choices."""
    rows = Contact.objects.for_tenant(tenant).filter(account=account, departed_at=None, erased_at=None)
    found = rows.order_by("name", "pk").only("pk", "name", "external_id", "role", "tenant")[:MOST_PEOPLE]
    people = sorted(found, key=lambda row: row.role != Contact.Role.CHAMPION)
    return [(row.pk, f"{row.name or row.external_id}{_role(row)}") for row in people]


def _role(row: Contact) -> str:
    return f", {row.get_role_display().lower()}" if row.role else ""


def register_panels() -> None:
    """Called once at start-up."""
    folder = "scoring/people/"
    register(Panel(SENTIMENT, "CSM sentiment", 31, f"{folder}sentiment.html", sentiment_context, lazy=True))
    register(
        Panel(
            NOTICED,
            "Changes among the people",
            32,
            f"{folder}noticed.html",
            noticed_context,
            column="rail",
            lazy=True,
        )
    )
