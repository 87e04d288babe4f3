"""Signs of life of the workers (PLATFORM 5.3). A worker that waits for a dead one's lock looks alive and takes nothing.

A canary is rung each minute. Taking any task, and progress on a long one, count as well, or two long imports at
once would look like a stuck group.
"""

import time

from django.db import transaction
from django.db.models.functions import Now
from django_q.tasks import async_task

from jobs.models import WorkerHeartbeat

WORKERS = "workers"
BEAT_EVERY = 10.0  # seconds
_last = {"beat": float("-inf")}


def ask() -> None:
    """Ring for a sign of life."""
    with (
        transaction.atomic()
    ):  # outside of one, django-q would close an aged connection, and our lease with it
        async_task("jobs.tasks.canary")


def beat() -> None:
    """Answer, by the database's clock."""
    WorkerHeartbeat.objects.update_or_create(name=WORKERS, defaults={"beat_at": Now()})
    _last["beat"] = time.monotonic()


def beat_now_and_then() -> None:
    """The same from a busy place."""
    if time.monotonic() - _last["beat"] > BEAT_EVERY:
        beat()
