"""The job `scoring.cohorts`: curves for every reach, worked out after scoring and written over."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from scoring.cohorts import queries
from scoring.cohorts.models import CohortReport
from scoring.models import ScoreRun
from scoring.newest import work_out as work_out_newest
from scoring.queries import newest_run
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

COHORTS = "scoring.cohorts"
NIGHTLY = "scoring.cohorts_nightly"  # its schedule


def work_out(tenant: Tenant, progress: Any) -> dict[str, Any]:
    """Harmless when run again: every reach's row is written over, those that nobody has any more go."""
    return work_out_newest(tenant, lambda run: _of(tenant, run, progress))


def _of(tenant: Tenant, run: ScoreRun, progress: Any) -> dict[str, Any]:
    from scoring.learning.cohorts import reports  # the maths is loaded by the worker alone

    made = reports(tenant, as_of=run.as_of, tell=progress)
    with tenant_transaction(tenant.pk):
        keep(tenant, run, made)
    url = reverse("scoring:cohorts", args=[tenant.slug])
    return {"as_of": str(run.as_of), "reaches": len(made), "url": url, "label": "See how long customers stay"}


def keep(tenant: Tenant, run: ScoreRun, made: dict[str, dict[str, Any]]) -> None:
    """Replace what was stored before."""
    rows = CohortReport.objects.for_tenant(tenant)
    rows.exclude(reach__in=list(made)).delete()
    for reach, figures in made.items():
        values = {"as_of": run.as_of, "run_id": run.pk, "figures": figures, "made_at": timezone.now()}
        rows.update_or_create(tenant=tenant, reach=reach, defaults=values)


def is_there_anything_new(tenant: Tenant) -> bool:
    """Whether something was scored since the last figures; the night's slot stays open until then."""
    run = newest_run(tenant)
    return run is not None and run.pk != queries.last_run_told_of(tenant)
