"""The numbers of plays that decide something, for the admin's list of thresholds."""

from decimal import Decimal

from playbooks.models import Playbook
from playbooks.queries.cues import active_on
from playbooks.queries.playbooks import trigger_limits
from playbooks.services.decisions import SNOOZE_MOST_DAYS, UNDO_SECONDS
from playbooks.services.suggestions import COOL_DOWN, WAKE_FALL
from tenants import thresholds
from tenants.models import Tenant

PLAYBOOKS = "admin:playbooks_playbook_changelist"
FIXED = "The same for every workspace."


def register() -> None:
    thresholds.register(
        "Playbooks: suggested below",
        PLAYBOOKS,
        value=_limits,
        help="Points of an indicator under which its playbook is suggested.",
    )
    thresholds.register(
        "Playbooks: before a renewal",
        PLAYBOOKS,
        value=_terms,
        help="Days to the end of the main term, at most, and the chance to renew below which it is suggested. How many "
        "a CSM gets a week: Chances: flags.",
    )
    thresholds.register(
        "Playbooks: on the level of risk",
        PLAYBOOKS,
        value=_risks,
        help="The level that an account has to cross up to. How many a CSM gets a week: Chances: flags.",
    )
    for label, text in (
        ("Playbooks: rest after an answer", f"{COOL_DOWN.days} days"),
        ("Playbooks: a fall that wakes a snoozed suggestion", f"{WAKE_FALL} points of health"),
        ("Playbooks: longest snooze", f"{SNOOZE_MOST_DAYS} days"),
        ("Playbooks: time for Undo", f"{UNDO_SECONDS} seconds"),
    ):
        thresholds.register(label, PLAYBOOKS, value=lambda tenant, text=text: text, help=FIXED)  # type: ignore[misc]


def _terms(tenant: Tenant) -> str:
    told = [
        f"{row.name} {row.trigger_days} days{_share(row.trigger_chance_below)}"
        for row in active_on(tenant, Playbook.TriggerOn.RENEWAL)
    ]
    return ", ".join(told) or "no playbook is active"


def _share(below: Decimal | None) -> str:
    return f" below {below:.0%}" if below is not None else ""


def _risks(tenant: Tenant) -> str:
    told = [f"{row.name} {row.trigger_level}" for row in active_on(tenant, Playbook.TriggerOn.RISK)]
    return ", ".join(told) or "no playbook is active"


def _limits(tenant: Tenant) -> str:
    return ", ".join(f"{name} {limit}" for name, limit in trigger_limits(tenant)) or "no playbook is active"
