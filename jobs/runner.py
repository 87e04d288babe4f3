"""Running one job: lease, claim, work, outcome (DECISIONS 20, ADR 0004).

1. An advisory lock on the job's id, or somebody else is at it.
2. Its attempt is counted and committed before any work, so a job that kills its process still runs out of attempts.
3. The handler runs for the tenant of the claimed row: `transactional` kinds in one transaction that also marks the
   job done, `stepwise` ones in short transactions of their own.
4. Every later write names the attempt, so a runner that lost its lease cannot overwrite the next one's outcome.
"""

import logging
from contextlib import AbstractContextManager
from typing import Any

from django.db import Error, connection, transaction

from config import log_context
from jobs import queries, services, turns
from jobs.exceptions import Cancelled, NeedsPerson
from jobs.lease import lease
from jobs.models import Job
from jobs.progress import Progress
from jobs.registry import kinds
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

__all__ = ["Cancelled", "NeedsPerson", "run", "run_now"]

logger = logging.getLogger("holdfast.jobs")

LOOKS = 3  # at a line whose first jobs are all being taken by others at this moment


def run(job_id: int) -> None:
    """Answer a doorbell: run the job whose turn it is, which need not be the one that rang (turns.py).

    Returns normally whatever happens; the row tells the outcome.
    """
    try:
        for _ in range(LOOKS):
            waiting = list(turns.in_order())
            if not waiting or any(_run(each, tenant_id=None, even_early=False) for each in waiting):
                return
    except Error:  # the database is away; the sweeper rings again
        logger.exception("job %s could not be taken", job_id)


def run_now(job_id: int, *, tenant: Tenant | None = None) -> Job:
    """Run a waiting job at once, also one that is not due yet, and return its row afterwards.

    For tests, in the tenant's context, and for commands, which give `tenant`. The worker role needs neither.
    """
    tenant_id = tenant.pk if tenant else None
    _run(job_id, tenant_id=tenant_id, even_early=True)
    with _transaction(tenant_id):
        return queries.job_by_id(job_id)


def _run(job_id: int, *, tenant_id: int | None, even_early: bool) -> bool:
    """Whether it could be had; its outcome is another question."""
    with lease(job_id) as obtained:
        if not obtained:
            return False
        with _transaction(tenant_id):
            job = services.claim(job_id, even_early=even_early)
        if job is None:
            return False
        turns.note_served(job.tenant_id)
        with log_context.during_job(job_id=job.pk, kind=job.kind, tenant=job.tenant.slug):
            _work(job)
        return True


def _transaction(tenant_id: int | None) -> AbstractContextManager[None]:
    """A tenant's transaction, or a plain one where the worker's policy or an outer context lets us see the row."""
    return transaction.atomic() if tenant_id is None else tenant_transaction(tenant_id)


def _work(job: Job) -> None:
    progress = Progress(job)
    try:
        _handle(job, progress)
    except Cancelled:
        _settle(job, services.mark_cancelled)
    except KeyboardInterrupt:  # the process is being stopped: the freed lease tells the sweeper
        raise
    except BaseException as error:  # also SystemExit, as which django-q raises its time limit
        logger.exception("job %s (%s), attempt %s", job.pk, job.kind, job.attempts)
        _settle(job, services.mark_failed, error=error)
    finally:
        progress.close()


def _handle(job: Job, progress: Progress) -> None:
    kind = kinds.get(job.kind)
    if kind is None:
        raise LookupError(f"no code is installed for jobs of the kind {job.kind}")
    if kind.mode == "stepwise":
        result = kind.handler(job.tenant, progress, **job.args)
        with tenant_transaction(job.tenant_id):
            services.mark_done(job, result=result)
        return
    with tenant_transaction(job.tenant_id):
        result = kind.handler(job.tenant, progress, **job.args)
        if not services.mark_done(job, result=result, unless_cancelled=True):
            raise Cancelled  # rolls the work back


def _settle(job: Job, outcome: Any, **details: Any) -> None:
    """Write how it ended. If even that fails, the lease goes and the sweeper finds the row."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    try:
        with tenant_transaction(job.tenant_id):
            outcome(job, **details)
    except Error:
        logger.exception("job %s: its outcome could not be written", job.pk)
