"""Work on the newest scoring that goes on to a newer one: asked for while it runs, it is not asked for again."""

from collections.abc import Callable
from typing import Any

from scoring.models import ScoreRun
from scoring.queries import newest_run
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

ROUNDS = 2  # of one job: what is scored during the last one waits for the night, or for who asks


def work_out(tenant: Tenant, once: Callable[[ScoreRun], dict[str, Any]]) -> dict[str, Any]:
    """What `once` answers for the newest scoring; once more where another one was finished meanwhile."""
    told: ScoreRun | None = None
    result: dict[str, Any] = {"message": "Nothing was scored yet."}
    for _ in range(ROUNDS):
        with tenant_transaction(tenant.pk):
            run = newest_run(tenant)
        if run is None or (told is not None and run.pk == told.pk):
            break
        result, told = once(run), run
    return result
