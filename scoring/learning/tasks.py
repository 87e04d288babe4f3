"""Training and back-tests as jobs: past days are read for a while, then the next job goes on where this one stopped.

What was read stands as files under the same key, so a job that broke off or was moved reads nothing twice. Loaded by
the workers alone (scoring.tasks hands over).
"""

from datetime import date
from typing import Any

from jobs import queries
from jobs import services as jobs
from jobs.runner import Cancelled
from scoring.exceptions import ScoringError
from scoring.learning import landmarks, training
from scoring.models import ChurnModel
from scoring.tasks import score_newest_again
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

READ_FOR = 90.0  # seconds of reading in one job; then another one goes on


def run(
    tenant: Tenant,
    progress: Any,
    *,
    kind: str,
    as_of: date,
    actor: dict[str, str] | None = None,
    key: str = "",
    read_for: float = READ_FOR,
) -> dict[str, Any]:
    """One job of the kind `scoring.train` or `scoring.backtest`; its answer tells what came of it."""
    landmarks.forget_old_shelves()
    key = key or _key(tenant, progress.job_id)
    shelf = landmarks.Shelf(tenant, key)
    by = Actor(actor["kind"], actor["id"], actor["label"]) if actor else SYSTEM
    try:
        chosen, stack = landmarks.gather(tenant, as_of=as_of, said=progress, shelf=shelf, seconds=read_for)
    except landmarks.OutOfTime as pause:
        args = {"as_of": str(as_of), "actor": actor, "key": key, "read_for": read_for}
        return _go_on(tenant, kind=kind, args=args, by=by, why=str(pause))
    except Cancelled:
        shelf.clear()
        raise
    found = _learn(tenant, kind, chosen, stack, by, progress)
    shelf.clear()
    return found


def _key(tenant: Tenant, job_id: int) -> str:
    """The same for every attempt of a job, and never again: a restored database gives ids out twice."""
    with tenant_transaction(tenant.pk):
        return f"{job_id}-{queries.job_by_id(job_id).created_at:%Y%m%d%H%M%S%f}"


def _go_on(tenant: Tenant, *, kind: str, args: dict[str, Any], by: Actor, why: str) -> dict[str, Any]:
    with tenant_transaction(tenant.pk):
        following = jobs.enqueue(tenant, kind=kind, args=args, by=by, is_new_work=False)
    return {"goes_on_in": following.pk, "message": why}


def _learn(
    tenant: Tenant, kind: str, chosen: landmarks.Plan, stack: Any, by: Actor, progress: Any
) -> dict[str, Any]:
    """A refusal is an answer, not a failure: trying again would not help."""
    try:
        if kind.endswith("backtest"):
            report = training.backtest(tenant, chosen=chosen, stack=stack, said=progress)
            return {"as_of": str(chosen.as_of), "chosen": report["chosen"], "report": report}
        row = training.train(tenant, chosen=chosen, stack=stack, by=by, said=progress, job_id=progress.job_id)
    except ScoringError as refusal:
        return {"as_of": str(chosen.as_of), "refused": True, "message": str(refusal)}
    if row.state in ChurnModel.LIVE:
        score_newest_again(tenant, by=by)
    return {"as_of": str(chosen.as_of), "version": row.version, "state": row.state, "kind": row.kind}
