"""The job `scoring.quality`: the day's figures, worked out after scoring and kept as one row."""

import time
from datetime import date, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from scoring.models import ScoreRun
from scoring.newest import work_out as work_out_newest
from scoring.quality.models import QualityReport
from scoring.quality.queries import last_run_told_of
from scoring.queries import newest_run
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

QUALITY = "scoring.quality"
NIGHTLY = "scoring.quality_nightly"  # its schedule
DAILY = timedelta(days=31)  # for so long every day's row is kept


def work_out(tenant: Tenant, progress: Any) -> dict[str, Any]:
    """Figures of the newest scored day. Harmless when run again: the day's row is written over."""
    return work_out_newest(tenant, lambda run: _of(tenant, run, progress))


def _of(tenant: Tenant, run: ScoreRun, progress: Any) -> dict[str, Any]:
    from scoring.learning.quality.report import report  # the maths is loaded by the worker alone

    started = time.monotonic()
    figures = report(tenant, until=run.as_of, tell=progress)
    with tenant_transaction(tenant.pk):
        keep(tenant, as_of=run.as_of, run_id=run.pk, figures=figures, seconds=time.monotonic() - started)
    url = reverse("scoring:model_quality", args=[tenant.slug])
    return {"as_of": str(run.as_of), "url": url, "label": "See model quality"}


def keep(
    tenant: Tenant, *, as_of: date, run_id: int, figures: dict[str, Any], seconds: float
) -> QualityReport:
    """Write the day's row. Of older days that of each month's first stays: a row can have a megabyte."""
    values = {"run_id": run_id, "figures": figures, "seconds": round(seconds, 2), "made_at": timezone.now()}
    rows = QualityReport.objects.for_tenant(tenant)
    row, _ = rows.update_or_create(tenant=tenant, as_of=as_of, defaults=values)
    rows.filter(as_of__lt=as_of - DAILY).exclude(as_of__day=1).delete()
    return row


def is_there_anything_new(tenant: Tenant) -> bool:
    """Whether something was scored since the last figures; the night's slot stays open until then."""
    run = newest_run(tenant)
    return run is not None and run.pk != last_run_told_of(tenant)
