"""The numbers of plays that decide something, for the admin's list of thresholds."""

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
    for label, text in (
        ("Playbooks: rest after an answer", f"{COOL_DOWN.days} days"),
        ("Playbooks: a fall that wakes a snoozed suggestion", f"{WAKE_FALL} points of health"),
        ("Playbooks: longest snooze", f"{SNOOZE_MOST_DAYS} days"),
        ("Playbooks: time for Undo", f"{UNDO_SECONDS} seconds"),
    ):
        thresholds.register(label, PLAYBOOKS, value=lambda tenant, text=text: text, help=FIXED)  # type: ignore[misc]


def _limits(tenant: Tenant) -> str:
    return ", ".join(f"{name} {limit}" for name, limit in trigger_limits(tenant)) or "no playbook is active"
