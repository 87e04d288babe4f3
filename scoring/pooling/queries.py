"""Reads of consent, of one's own contribution, and of what all say together."""

from typing import Any

from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel
from scoring.pooling.models import PoolContribution, SharedPool
from scoring.pooling.words import POOLED
from tenants.models import Tenant


def consents(tenant: Tenant) -> bool:
    return chance_settings(tenant).pools_across_tenants


def consents_for_update(tenant: Tenant) -> bool:
    """For what writes on the strength of it: a withdrawal waits for the end of this transaction, or is seen here."""
    row = ChanceSettings.objects.for_tenant(tenant).select_for_update().first()
    return row is not None and row.pools_across_tenants


def own_contribution(tenant: Tenant) -> PoolContribution | None:
    return PoolContribution.objects.for_tenant(tenant).first()


def all_contributions() -> list[dict[str, Any]]:
    """The newest coefficients of each organisation, without saying whose. Only the workers' role may.

    Three workspaces of one organisation are no three that could learn from each other, and a sandbox is none at all.
    """
    rows = PoolContribution.objects.across_tenants().filter(tenant__environment=Tenant.Environment.PRODUCTION)
    newest = rows.order_by("tenant__organisation_id", "-made_at", "-pk").distinct("tenant__organisation_id")
    return list(newest.values_list("document", flat=True))


def shared() -> SharedPool | None:
    """What the workspaces say together; None where there are too few. Belongs to nobody."""
    return SharedPool.objects.first()


def pooled_version(tenant: Tenant) -> ChurnModel | None:
    """The version in force, if it is made of the pool; without its document."""
    live = ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE, kind=POOLED)
    return live.defer("document").first()
