"""The job `scoring.pool`: what all consenting workspaces say together, made anew from their coefficients."""

from typing import Any

from tenants.models import Tenant


def work_out(tenant: Tenant, progress: Any) -> dict[str, Any]:
    """Asked for by one workspace, made of all; the answer tells no more than whether there is a pool."""
    from scoring.learning import pooling  # the maths is loaded by the worker alone

    found = pooling.renew()
    return {"message": "A pool stands." if found is not None else "There are too few workspaces for a pool."}
