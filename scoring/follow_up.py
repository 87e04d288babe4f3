"""What is worked out from scores by night, and at once where somebody waits for it: on the first day, and when another
version of the model came into force. Every other scoring is followed by the night's own jobs (06:00)."""

from collections.abc import Callable
from dataclasses import dataclass

from jobs import queries as jobs_queries
from jobs import services as jobs
from jobs.models import Job
from scoring.cohorts import job as cohorts
from scoring.cohorts.queries import last_run_told_of as cohorts_told_of
from scoring.growth import work as growth
from scoring.models import ScoreRun
from scoring.quality import job as quality
from scoring.quality.queries import last_run_told_of as quality_told_of
from scoring.queries import newest_run, run_by_id
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction


@dataclass(frozen=True)
class Follower:
    """What is worked out from scores: its kind of job, the night's schedule of it, and the run it last told of."""

    kind: str
    nightly: str
    told_of: Callable[[Tenant], int | None]


FOLLOWERS = (
    Follower(growth.GROWTH, growth.NIGHTLY, growth.last_run_told_of),
    Follower(quality.QUALITY, quality.NIGHTLY, quality_told_of),
    Follower(cohorts.COHORTS, cohorts.NIGHTLY, cohorts_told_of),
)


def ask(tenant: Tenant, *, by: Actor = SYSTEM) -> list[Job]:
    """Ask for the figures that are missing or speak of another version than the newest scores do.

    One unfinished job of a kind, the night's where that waits or runs: asked twice, it is the same one. A job that
    runs goes on to what was scored meanwhile (scoring.newest). Opens its own transaction.
    """
    with tenant_transaction(tenant.pk):
        run = newest_run(tenant)
        if run is None:
            return []
        due = [each for each in FOLLOWERS if _is_due(tenant, run, each.told_of(tenant))]
        return [
            jobs.enqueue(
                tenant, kind=each.kind, by=by, dedupe_key=jobs.schedule_key(each.nightly), is_new_work=False
            )
            for each in due
        ]


def _is_due(tenant: Tenant, run: ScoreRun, told_of: int | None) -> bool:
    told = run_by_id(tenant, told_of)
    return told is None or told.model_version != run.model_version


def when(tenant: Tenant, kind: str) -> str:
    """When figures that are not there yet will be, in words for an empty page; one statement."""
    newest = jobs_queries.newest_job(tenant, kind=kind)
    if newest is None or newest.state in (Job.State.DONE, Job.State.CANCELLED):
        return "They are worked out at 06:00, after the nightly scoring."
    if newest.state == Job.State.DEAD:
        return "The last attempt failed, the page Jobs says why. The next one is at 06:00, after the nightly scoring."
    if newest.state == Job.State.RUNNING:
        return "They are being worked out now and stand here in some minutes. Load the page again."
    return (
        "They are next in line and stand here some minutes after the jobs before them. Load the page again."
    )
