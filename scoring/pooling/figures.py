"""What the pool's page shows: nothing of other workspaces but their number, and that to those who consented alone."""

from typing import Any

from scoring.catalogue import BY_KEY
from scoring.model_queries import leavers
from scoring.pooling import queries
from scoring.pooling.words import sentence
from tenants.models import Tenant


def of(tenant: Tenant) -> dict[str, Any]:
    """Five statements at most."""
    consents = queries.consents(tenant)
    shared = queries.shared() if consents and not tenant.is_sandbox else None
    version = queries.pooled_version(tenant)
    own = queries.own_contribution(tenant)
    return {
        "consents": consents,
        "shared": shared,
        "left": leavers(tenant),
        "version": version,
        "label": sentence(version.report.get("pool", {}).get("workspaces", "")) if version else "",
        "own": own,
        "slopes": _slopes(own.document) if own is not None else [],
    }


def _slopes(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What was handed on of each feature, by its label: the log-odds from the lowest rank to the highest."""
    given = zip(document["features"], document["slopes"], document["tracked"], strict=True)
    return [{"label": _label(name), "slope": slope} for name, slope, tracked in given if tracked]


def _label(name: str) -> str:
    return BY_KEY[name].label if name in BY_KEY else "Days as a customer"
