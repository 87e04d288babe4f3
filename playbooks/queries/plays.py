"""Reads of plays, their steps and tasks."""

from django.db.models import QuerySet

from playbooks.models import Task
from tenants.models import Tenant


def open_tasks_of_play(tenant: Tenant, *, play_id: int) -> QuerySet[Task]:
    return Task.objects.for_tenant(tenant).filter(step__play_id=play_id, state=Task.State.OPEN)
