"""Keeping the job tables small, by a job of their own."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from jobs import registry, services
from tenants.models import Tenant


def register() -> None:
    registry.register("jobs.tidy", tidy, mode="transactional", label="Tidy old jobs")
    registry.schedule("jobs.tidy", kind="jobs.tidy", at_hour=4)


def tidy(tenant: Tenant, progress: Any) -> dict[str, int]:
    return services.forget_old(
        tenant,
        now=timezone.now(),
        finished=timedelta(days=settings.KEEP_JOB_DAYS),
        failed=timedelta(days=settings.KEEP_FAILED_JOB_DAYS),
    )
