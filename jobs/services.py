"""Asking for work, and what becomes of it. Row and doorbell join the caller's transaction: both commit or neither."""

import random
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django_q.tasks import async_task

from jobs import clock, meters, queries
from jobs.exceptions import NeedsPerson, NotCancellable, NotReplayable
from jobs.models import Job, ScheduleTick
from jobs.registry import Schedule, kinds
from tenants import hooks
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.scoping import tenant_context

LONGEST_DELAY = 900.0  # seconds before another attempt, at most


def enqueue(
    tenant: Tenant,
    *,
    kind: str,
    args: dict[str, Any] | None = None,
    by: Actor = SYSTEM,
    dedupe_key: str = "",
    not_before: datetime | None = None,
    total: int | None = None,
    is_new_work: bool = True,
) -> Job:
    """Write one job row and ring once. With a dedupe_key, an unfinished job of the same key is returned instead.

    Raises KeyError for a kind that no app registered, and QuotaExceeded when the tenant's jobs are used up; the rest
    of work that was taken on before (`is_new_work=False`), and Holdfast's own, is never refused.
    """
    known = kinds[kind]
    if is_new_work:
        meters.check(tenant, by)
    while True:
        now = clock.now()
        job = Job(
            tenant=tenant, kind=kind, args=args or {}, dedupe_key=dedupe_key, max_attempts=known.max_attempts,
            not_before=not_before or now,
            rung_at=None if not_before and not_before > now else now,  # the sweeper rings when it is due
            total=total, message=known.label, requested_by_id=by.user.pk if by.user else None,
            requested_by_label=by.label,
        )  # fmt: skip
        if _is_first(job):
            if job.rung_at is not None:
                _ring(job)
            return job
        existing = queries.unfinished_of_key(tenant, dedupe_key=dedupe_key)
        if existing is not None:  # else it ended just now: ours can be written
            return existing


def _is_first(job: Job) -> bool:
    """Whether the row could be written; not where an unfinished job has the same key."""
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if "job_one_unfinished_a_key" not in str(error):
            raise
        return False
    return True


@transaction.atomic
def ring(job: Job, *, now: datetime | None = None) -> None:
    """Ring for a job that waits."""
    job.rung_at = now or clock.now()
    job.save(update_fields=["rung_at"])
    _ring(job)


def _ring(job: Job) -> None:
    """The doorbell: its payload is one integer, so there is nothing to unpickle that can move or leak."""
    known = kinds.get(job.kind)
    limit = {"timeout": known.seconds} if known is not None and known.seconds else {}
    async_task("jobs.tasks.run_job", job.pk, **limit)


@transaction.atomic
def claim(job_id: int, *, even_early: bool = False) -> Job | None:
    """Take a waiting job and count the attempt; None when there is nothing to take. Needs the job's lease."""
    job = queries.job_for_update(job_id)
    now = clock.now()
    if job is None or job.state != Job.State.QUEUED or (job.not_before > now and not even_early):
        return None
    job.state = Job.State.RUNNING
    job.attempts += 1
    job.heartbeat_at = now
    job.started_at = job.started_at or now
    job.done = 0
    job.save(update_fields=["state", "attempts", "heartbeat_at", "started_at", "done"])
    return job


def mark_done(job: Job, *, result: Any = None, unless_cancelled: bool = False) -> bool:
    """Finish this attempt's job; False when it is no longer ours, or was stopped meanwhile."""
    mine = _this_attempt(job)
    if unless_cancelled:
        mine = mine.filter(cancel_requested_at=None)
    changed = mine.update(
        state=Job.State.DONE,
        done=Coalesce("total", "done"),
        result=result,
        last_error="",
        finished_at=clock.now(),
        heartbeat_at=clock.now(),
    )
    return bool(changed)


def mark_cancelled(job: Job) -> None:
    _this_attempt(job).update(state=Job.State.CANCELLED, finished_at=clock.now())


@transaction.atomic
def mark_failed(job: Job, *, error: BaseException) -> None:
    """Try again later, or give up when the attempts are used or a person is needed."""
    words = in_words(error)
    if job.attempts < job.max_attempts and not isinstance(error, NeedsPerson):
        again = clock.now() + timedelta(seconds=delay_after(job.attempts))
        _this_attempt(job).update(state=Job.State.QUEUED, last_error=words, not_before=again, rung_at=None)
        return
    if _this_attempt(job).update(state=Job.State.DEAD, last_error=words, finished_at=clock.now()):
        _record(job, "jobs.job_failed", by=SYSTEM, after={"attempts": job.attempts, "error": words[:300]})


@transaction.atomic
def recover(job_id: int) -> Job | None:
    """Put a job whose worker died back in line. The caller holds the lease, which proves that nobody works on it."""
    job = queries.job_for_update(job_id)
    if job is None or job.state != Job.State.RUNNING:
        return None
    with tenant_context(job.tenant_id):
        if job.cancel_requested_at is not None:
            mark_cancelled(job)
        else:
            mark_failed(job, error=RuntimeError("The worker stopped before the job was finished."))
    return job


@transaction.atomic
def replay(tenant: Tenant, *, job_id: int, by: Actor) -> Job:
    """Start a failed or cancelled job once more, with fresh attempts. Raises NotReplayable otherwise."""
    job = queries.tenants_job_for_update(tenant, job_id=job_id)
    if job is None or job.state not in (Job.State.DEAD, Job.State.CANCELLED):
        raise NotReplayable("Only a failed or cancelled job can be started again.")
    before = {"state": job.state, "attempts": job.attempts}
    job.state, job.attempts, job.finished_at = Job.State.QUEUED, 0, None
    job.cancel_requested_at, job.rung_at, job.not_before = None, None, clock.now()
    job.done, job.message = 0, ""
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError as error:
        raise NotReplayable("The same work is already waiting or running.") from error
    _record(job, "jobs.job_replayed", by=by, before=before)
    ring(job)
    return job


@transaction.atomic
def cancel(tenant: Tenant, *, job_id: int, by: Actor) -> Job:
    """Stop a job: at once when it waits, at its next progress when it runs. Raises NotCancellable otherwise."""
    job = queries.tenants_job_for_update(tenant, job_id=job_id)
    if job is None or job.is_finished:
        raise NotCancellable("The job has already ended.")
    if job.cancel_requested_at is not None:
        return job
    before = {"state": job.state}
    job.cancel_requested_at = clock.now()
    if job.state == Job.State.QUEUED:
        job.state, job.finished_at = Job.State.CANCELLED, job.cancel_requested_at
    job.save(update_fields=["state", "cancel_requested_at", "finished_at"])
    _record(job, "jobs.job_cancelled", by=by, before=before)
    return job


def delay_after(attempts: int) -> float:
    """Seconds until the next try: 5, 20, 80, … at most 15 minutes, spread so that failures do not return together."""
    ceiling = min(LONGEST_DELAY, settings.JOB_BACKOFF * 4.0 ** (attempts - 1))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  a spread, not a secret


def in_words(error: BaseException) -> str:
    """What a person may read of an error: no traceback, and of the database's errors no row values."""
    if isinstance(error, MemoryError):
        return "It needed more memory than one worker may take (HOLDFAST_WORKER_MAX_MB)."
    text = str(error).replace("\x00", "").strip() or type(error).__name__
    if isinstance(error, DatabaseError):
        text = text.splitlines()[0]
    if " " not in text and text != type(error).__name__:  # a bare word, as of a KeyError, says nothing alone
        text = f"{type(error).__name__}: {text}"
    return text[:2000]


def _this_attempt(job: Job) -> Any:
    rows = Job.objects.for_tenant(job.tenant)
    return rows.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)


def _record(job: Job, verb: str, *, by: Actor, **diff: Any) -> None:
    hooks.record(
        job.tenant,
        verb=verb,
        by=by,
        object_type="jobs.job",
        object_id=str(job.pk),
        object_label=kinds[job.kind].label if job.kind in kinds else job.kind,
        **diff,
    )


@transaction.atomic
def fire(tenant: Tenant, *, schedule: Schedule, slot: datetime) -> Job | None:
    """Note the slot and ask for its job; None when the slot was fired before, by whomever."""
    _, is_new = ScheduleTick.objects.for_tenant(tenant).get_or_create(
        tenant=tenant, name=schedule.name, slot=slot
    )
    if not is_new:
        return None
    return enqueue(tenant, kind=schedule.kind, args=schedule.args, dedupe_key=schedule_key(schedule.name))


def schedule_key(name: str) -> str:
    """One unfinished job of a schedule at most: a slow one is not overtaken by the next slot."""
    return f"{queries.SCHEDULED}{name}"


@transaction.atomic
def forget_old(tenant: Tenant, *, now: datetime, finished: timedelta, failed: timedelta) -> dict[str, int]:
    """Delete jobs that ended long ago, and ticks that a newer one of the same schedule has made useless."""
    rows = Job.objects.for_tenant(tenant)
    over = rows.filter(state__in=[Job.State.DONE, Job.State.CANCELLED], finished_at__lt=now - finished)
    meters.keep_count(tenant, over)
    ended, _ = over.delete()
    dead, _ = rows.filter(state=Job.State.DEAD, finished_at__lt=now - failed).delete()
    ticks = ScheduleTick.objects.for_tenant(tenant)
    newer = ticks.filter(name=OuterRef("name"), slot__gt=OuterRef("slot"))
    old, _ = ticks.filter(Exists(newer), slot__lt=now - timedelta(days=3)).delete()
    return {"jobs": ended + dead, "ticks": old}
