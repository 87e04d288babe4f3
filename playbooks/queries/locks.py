"""Rows that a service is about to change, locked until its transaction ends.

One order everywhere, or two people would wait for each other: the flags of the tenant, the recommendation, the play,
its step, its task.
"""

from typing import TypeVar

from django.db import connection
from django.db.models import QuerySet

from playbooks.exceptions import Missing
from playbooks.models import Play, PlayStep, Recommendation, Task
from tenants.models import Tenant

Row = TypeVar("Row")
_FLAGS = 7_409  # any fixed number: flags of one tenant are kept and given by one worker after the other


def lock_flags(tenant: Tenant) -> None:
    """Before anything about flags is read: what one job has read of them, no other changes until it has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_FLAGS, tenant.pk % 2_147_483_647])


def recommendation_for_update(tenant: Tenant, recommendation_id: int) -> Recommendation:
    rows = Recommendation.objects.for_tenant(tenant).select_related("account", "playbook")
    return _found(rows.select_for_update(of=("self",)).filter(pk=recommendation_id).first())


def play_for_update(tenant: Tenant, play_id: int) -> Play:
    rows = Play.objects.for_tenant(tenant).select_related("account", "playbook")
    return _found(rows.select_for_update(of=("self",)).filter(pk=play_id).first())


def play_of_recommendation(tenant: Tenant, recommendation_id: int) -> Play | None:
    """The newest play that this suggestion led to, locked."""
    rows = Play.objects.for_tenant(tenant).select_related("account", "playbook")
    return (
        rows.select_for_update(of=("self",))
        .filter(recommendation_id=recommendation_id)
        .order_by("-pk")
        .first()
    )


def step_for_update(tenant: Tenant, step_id: int) -> tuple[Play, PlayStep]:
    """The step and, locked before it, its play."""
    play_id = PlayStep.objects.for_tenant(tenant).filter(pk=step_id).values_list("play_id", flat=True).first()
    if play_id is None:
        raise Missing
    play = play_for_update(tenant, play_id)
    step = PlayStep.objects.for_tenant(tenant).select_for_update().get(pk=step_id)
    return play, step


def task_for_update(tenant: Tenant, task_id: int) -> tuple[Play | None, PlayStep | None, Task]:
    """The task and, locked before it, the play and step that it belongs to, if any."""
    seen = Task.objects.for_tenant(tenant).filter(pk=task_id).values_list("pk", "step_id").first()
    if seen is None:
        raise Missing
    play, step = step_for_update(tenant, seen[1]) if seen[1] else (None, None)
    tasks = Task.objects.for_tenant(tenant).select_related("account").select_for_update(of=("self",))
    return play, step, tasks.get(pk=task_id)


def steps_of(tenant: Tenant, play: Play) -> QuerySet[PlayStep]:
    return (
        PlayStep.objects.for_tenant(tenant).select_for_update().filter(play=play).order_by("position", "pk")
    )


def _found(row: Row | None) -> Row:
    if row is None:
        raise Missing
    return row
