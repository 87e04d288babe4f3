"""Reads of the job rows. Sweeps and claims by id cross tenants; row-level security lets only the worker role do so."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Q, QuerySet

from jobs.models import Job
from jobs.registry import kinds
from tenants.access import Right, can
from tenants.models import Membership, Tenant

SCHEDULED = "schedule:"  # how the dedupe_key of a schedule's job begins
UNFINISHED = (Job.State.QUEUED, Job.State.RUNNING)


def job_by_id(job_id: int) -> Job:
    """Whatever tenant's job this is; the caller's role and tenant decide whether it can be seen."""
    return Job.objects.across_tenants().select_related("tenant").get(pk=job_id)


def job_for_update(job_id: int) -> Job | None:
    """The row, locked, whatever its tenant."""
    rows = Job.objects.across_tenants().select_related("tenant").select_for_update(of=("self",))
    return rows.filter(pk=job_id).first()


def tenants_job_for_update(tenant: Tenant, *, job_id: int) -> Job | None:
    return Job.objects.for_tenant(tenant).select_for_update().filter(pk=job_id).first()


def unfinished_of_key(tenant: Tenant, *, dedupe_key: str) -> Job | None:
    return Job.objects.for_tenant(tenant).filter(dedupe_key=dedupe_key, state__in=UNFINISHED).first()


def jobs(tenant: Tenant, *, state: str = "", kind: str = "", routine: bool = True) -> QuerySet[Job]:
    """A tenant's jobs, newest first; without `routine`, scheduled ones are left out once they went well."""
    rows = Job.objects.for_tenant(tenant).order_by("-pk")
    if not routine and not state and not kind:
        rows = rows.exclude(state=Job.State.DONE, dedupe_key__startswith=SCHEDULED)
    if state:
        rows = rows.filter(state=state)
    return rows.filter(kind=kind) if kind else rows


def visible_job(tenant: Tenant, viewer: Membership, *, job_id: int) -> Job | None:
    """A job is its requester's business, and of those who may configure the tenant."""
    job = Job.objects.for_tenant(tenant).filter(pk=job_id).first()
    return job if job is not None and is_business_of(viewer, job) else None


def is_business_of(viewer: Membership, job: Job) -> bool:
    return can(viewer, Right.CONFIGURE) or job.requested_by_id == viewer.user_id


def watched_job(tenant: Tenant, viewer: Membership, *, job_id: int) -> Job | None:
    """A job that the viewer may look at: also one of a kind that they may ask for themselves (registry.Kind)."""
    job = Job.objects.for_tenant(tenant).filter(pk=job_id).first()
    if job is None:
        return None
    right = kinds[job.kind].watch if job.kind in kinds else None
    return job if is_business_of(viewer, job) or (right is not None and can(viewer, right)) else None


def newest_job(tenant: Tenant, *, kind: str, dedupe_key: str | None = None) -> Job | None:
    rows = jobs(tenant, kind=kind)
    return (rows if dedupe_key is None else rows.filter(dedupe_key=dedupe_key)).first()


def due_without_bell(*, now: datetime, rung_before: datetime, limit: int) -> QuerySet[Job]:
    """All tenants' jobs that should run and whose doorbell was never rung, or so long ago that it is lost."""
    silent = Q(rung_at=None) | Q(rung_at__lte=rung_before)
    rows = Job.objects.across_tenants().select_related("tenant")
    return rows.filter(silent, state=Job.State.QUEUED, not_before__lte=now).order_by("not_before", "pk")[
        :limit
    ]


class Head(NamedTuple):
    """One of the first due jobs of a tenant's line: its place there, and how many of the tenant's jobs run already."""

    job_id: int
    tenant_id: int
    place: int
    running: int


HEADS = (
    8  # a tenant: as many workers may reach for the same line at once before one of them has to look again
)
_HEADS_OF_LINES = f"""
SELECT head.id, tenant.id, head.place, busy.running
FROM {Tenant._meta.db_table} tenant
CROSS JOIN LATERAL (
    SELECT id, row_number() OVER (ORDER BY not_before, id) AS place FROM {Job._meta.db_table}
    WHERE tenant_id = tenant.id AND state = 'queued' AND not_before <= %s ORDER BY not_before, id LIMIT {HEADS}
) head
CROSS JOIN LATERAL (
    SELECT count(*) AS running FROM {Job._meta.db_table} WHERE tenant_id = tenant.id AND state = 'running'
) busy
"""  # noqa: S608  the tables' own names


def heads_of_lines(*, now: datetime) -> list[Head]:
    """The first due jobs of every tenant that this role may see; one index probe a tenant, however long its line."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADS_OF_LINES, [now])
        return [Head(*row) for row in cursor.fetchall()]


def running_ids() -> list[int]:
    """All tenants' jobs that say they are running; the sweeper asks whether somebody holds their lease."""
    rows = Job.objects.across_tenants().filter(state=Job.State.RUNNING)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def counts_by_state(tenant: Tenant) -> dict[str, int]:
    """How many jobs wait, run and failed."""
    rows = Job.objects.for_tenant(tenant).filter(state__in=[*UNFINISHED, Job.State.DEAD])
    return dict(rows.values_list("state").annotate(n=Count("pk")).order_by())
