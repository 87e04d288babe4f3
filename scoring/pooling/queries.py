"""Reads of consent, of one's own contribution, and of what all say together."""

from typing import Any

from scoring.model_queries import chance_settings
from scoring.models import ChurnModel
from scoring.pooling.models import PoolContribution, SharedPool
from scoring.pooling.words import POOLED
from tenants.models import Tenant


def consents(tenant: Tenant) -> bool:
    return chance_settings(tenant).pools_across_tenants


def own_contribution(tenant: Tenant) -> PoolContribution | None:
    return PoolContribution.objects.for_tenant(tenant).first()


def all_contributions() -> list[dict[str, Any]]:
    """Every workspace's coefficients, oldest first and without saying whose. Only the workers' role may."""
    rows = PoolContribution.objects.across_tenants().order_by("pk")
    return list(rows.values_list("document", flat=True))


def shared() -> SharedPool | None:
    """What the workspaces say together; None where there are too few. Belongs to nobody."""
    return SharedPool.objects.first()


def pooled_version(tenant: Tenant) -> ChurnModel | None:
    """The version in force, if it is made of the pool; without its document."""
    live = ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE, kind=POOLED)
    return live.defer("document").first()
