"""Asking for work. The row and the doorbell join the caller's transaction, so both commit or neither."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.tasks import async_task

from jobs.models import Job
from jobs.registry import kinds
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant


def enqueue(
    tenant: Tenant,
    *,
    kind: str,
    args: dict[str, Any] | None = None,
    by: Actor = SYSTEM,
    dedupe_key: str = "",
    not_before: datetime | None = None,
    total: int | None = None,
) -> Job:
    """Write one job row and ring once. With a dedupe_key, an unfinished job of the same key is returned instead.

    Raises KeyError for a kind that no app registered.
    """
    known = kinds[kind]
    job = Job(
        tenant=tenant,
        kind=kind,
        args=args or {},
        dedupe_key=dedupe_key,
        max_attempts=known.max_attempts,
        not_before=not_before or timezone.now(),
        total=total,
        message=known.label,
        requested_by_id=by.user.pk if by.user else None,
        requested_by_label=by.label,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if "job_one_unfinished_a_key" not in str(error):
            raise
        return Job.objects.for_tenant(tenant).get(dedupe_key=dedupe_key, state__in=["queued", "running"])
    ring(job)
    return job


def ring(job: Job) -> None:
    """The doorbell: its payload is one integer, so there is nothing to unpickle that can move or leak."""
    async_task("jobs.tasks.run_job", job.pk)
