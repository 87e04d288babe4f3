"""How many jobs people and services asked for. What Holdfast does by its own schedule is nobody's usage."""

from datetime import date

from django.db.models import Count, QuerySet

from jobs.models import Job
from tenants import quotas
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant

JOBS = "jobs"
_count_of_forgotten = quotas.counted(JOBS)


def register() -> None:
    quotas.register(
        quotas.Meter(
            JOBS, "Jobs", "jobs", _by_source, order=30, per=1,
            help="Imports, scorings and exports that somebody asked for.",
            refused="A new job is refused; what is under way goes on, and so does what Holdfast does on schedule.",
        )
    )  # fmt: skip


def check(tenant: Tenant, by: Actor) -> None:
    """Raises QuotaExceeded when somebody asks for one more than there may be."""
    if by.kind != SYSTEM.kind:
        quotas.check(tenant, JOBS, 1)


def _by_source(tenant: Tenant, month: date) -> quotas.BySource:
    """Rows of the month, and those of it that were tidied away."""
    found = dict(_count_of_forgotten(tenant, month))
    for source, number in _asked_for(tenant, month).values_list("requested_by_label").annotate(Count("pk")):
        found[source] = found.get(source, 0) + number
    return found


def keep_count(tenant: Tenant, rows: QuerySet[Job]) -> None:
    """Before these rows are deleted: their month must not look emptier for it."""
    month = quotas.this_month()
    kept = _asked_for(tenant, month).filter(pk__in=rows.values("pk"))
    for source, number in kept.values_list("requested_by_label").annotate(Count("pk")):
        quotas.count(tenant, JOBS, source=source, number=number)


def _asked_for(tenant: Tenant, month: date) -> QuerySet[Job]:
    first, end = quotas.span(month)
    rows = Job.objects.for_tenant(tenant).filter(created_at__gte=first, created_at__lt=end)
    return rows.exclude(requested_by_label=SYSTEM.label).exclude(requested_by_label__startswith="Command ")
