"""The job `scoring.growth`: forecasts and signs of growth of the newest scored day, after the night's scoring."""

import time
from typing import Any

from django.urls import reverse

from scoring.growth.lists import WORKED_OUT_WITH
from scoring.growth.models import GrowthReport
from scoring.models import ScoreRun
from scoring.newest import work_out as work_out_newest
from scoring.queries import newest_run
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

GROWTH = "scoring.growth"
NIGHTLY = "scoring.growth_nightly"  # its schedule


def work_out(tenant: Tenant, progress: Any) -> dict[str, Any]:
    """Harmless when run again: everything of the day is written over."""
    return work_out_newest(tenant, lambda run: _of(tenant, run, progress))


def _of(tenant: Tenant, run: ScoreRun, progress: Any) -> dict[str, Any]:
    from scoring.learning.growth import renew  # the maths is loaded by the worker alone

    started = time.monotonic()
    figures = renew(tenant, run, tell=progress)
    with tenant_transaction(tenant.pk):
        values = {"as_of": run.as_of, "run_id": run.pk, "figures": figures}
        values["seconds"] = round(time.monotonic() - started, 2)
        GrowthReport.objects.for_tenant(tenant).update_or_create(tenant=tenant, defaults=values)
    url = reverse("scoring:renewals", args=[tenant.slug])
    return {"as_of": str(run.as_of), "url": url, "label": "See renewals"}


def last_run_told_of(tenant: Tenant) -> int | None:
    """The run that the figures were worked out from; None also for a report from before all lists were built."""
    rows = GrowthReport.objects.for_tenant(tenant).filter(figures__has_keys=[*set(WORKED_OUT_WITH.values())])
    return rows.values_list("run_id", flat=True).first()


def is_there_anything_new(tenant: Tenant) -> bool:
    """Whether something was scored since the last figures; the night's slot stays open until then."""
    run = newest_run(tenant)
    return run is not None and run.pk != last_run_told_of(tenant)
