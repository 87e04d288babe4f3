"""The canary: a task a minute that only a living worker answers (PLATFORM 5.3)."""

from django.db.models.functions import Now
from django_q.tasks import async_task

from jobs.models import WorkerHeartbeat

WORKERS = "workers"


def ask() -> None:
    """Ring for a sign of life."""
    async_task("jobs.tasks.canary")


def beat() -> None:
    """Answer, by the database's clock."""
    WorkerHeartbeat.objects.update_or_create(name=WORKERS, defaults={"beat_at": Now()})
