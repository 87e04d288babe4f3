"""Reads of the versions of what decides who is flagged."""

from scoring.chance_models import Cuts
from scoring.models import ChanceVersion
from scoring.whatif.cuts import numbers_of
from tenants.models import Tenant

LISTED = 100


def versions(tenant: Tenant, *, in_force: Cuts) -> list[ChanceVersion]:
    """Newest first; before anything was published the one in force alone, which has no row yet (`pk` None)."""
    rows = kept(tenant)
    if rows:
        return rows
    first = ChanceVersion(tenant=tenant, version=1, state=ChanceVersion.State.PUBLISHED)
    for name, value in numbers_of(in_force).items():
        setattr(first, name, value)
    return [first]


def kept(tenant: Tenant) -> list[ChanceVersion]:
    return list(ChanceVersion.objects.for_tenant(tenant).order_by("-version")[:LISTED])


def version(tenant: Tenant, *, version_id: int) -> ChanceVersion | None:
    return ChanceVersion.objects.for_tenant(tenant).filter(pk=version_id).first()
