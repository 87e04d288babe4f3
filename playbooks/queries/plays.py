"""Reads of plays, their steps and tasks."""

from collections.abc import Iterable

from django.db.models import QuerySet

from playbooks.models import PlayStep, Task
from scoring.models import AccountHealth
from tenants.models import Tenant


def standing_of(tenant: Tenant, *, account_id: int) -> AccountHealth | None:
    """Health, band, revenue and renewal of the account as last scored."""
    return AccountHealth.objects.for_tenant(tenant).filter(account_id=account_id).first()


def open_tasks_of_play(tenant: Tenant, *, play_id: int) -> QuerySet[Task]:
    return Task.objects.for_tenant(tenant).filter(step__play_id=play_id, state=Task.State.OPEN)


def open_tasks_of_step(tenant: Tenant, *, step_id: int) -> QuerySet[Task]:
    return Task.objects.for_tenant(tenant).filter(step_id=step_id, state=Task.State.OPEN)


def steps_of_intents(tenant: Tenant, intent_ids: Iterable[int]) -> dict[int, int]:
    """Which step asked for each of these writes."""
    rows = PlayStep.objects.for_tenant(tenant).filter(intent_id__in=list(intent_ids))
    return {intent: step for intent, step in rows.values_list("intent_id", "pk") if intent is not None}
