"""The panel of work on the account page: what runs there, what is to be done, and a way to add to it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Account
from accounts.panels import Panel, register
from playbooks.forms import TaskForm
from playbooks.queries import plays as queries
from playbooks.queries.cues import asked_of
from playbooks.rises import flag_words
from playbooks.services.guards import local_day
from tenants.models import Membership, Tenant

KEY = "work"
DONE_SHOWN_DAYS = 7


def context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Open plays with their next step, tasks, the suggestion or the flag that waits, and the form for a task."""
    today = local_day(tenant, timezone.now())
    plays = queries.open_plays_of_account(tenant, account_id=account.pk)
    progress = queries.steps_of_plays(tenant, plays)
    asked = asked_of(tenant, account_id=account.pk)
    since = today - timedelta(days=DONE_SHOWN_DAYS)
    return {
        "plays": [(play, progress[play.pk]) for play in plays],
        "suggestion": asked["suggested"],
        "waits": flag_words(asked["waits"]),
        "tasks": list(queries.tasks_of_account(tenant, account_id=account.pk, done_since=since)[:30]),
        "task_form": TaskForm(initial={"due_date": today + timedelta(days=7)}),
        "today": today,
        "place": "account",
    }


def register_panel() -> None:
    register(Panel(KEY, "Work in progress", 10, "playbooks/plays/_work.html", context, column="rail"))
