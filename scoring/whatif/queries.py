"""Reads of the versions of what decides who is flagged."""

from typing import Any

from audit.queries import Filters, covered, events
from scoring.chance_models import Cuts
from scoring.models import ChanceVersion
from scoring.whatif.cuts import numbers_of
from tenants.models import Membership, Tenant

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


def reinstated(tenant: Tenant, viewer: Membership, *, verb: str) -> dict[int, dict[str, Any]]:
    """By id of a version: when it was last rolled back to, by whom and why, of what the viewer may read of the log."""
    found = events(tenant, viewer, Filters(verb=verb)).order_by("-at", "-id")[:LISTED]
    newest: dict[int, dict[str, Any]] = {}
    for event in covered(viewer, found):
        told = {
            "at": event.at,
            "by": event.actor_label,
            "why": (event.diff.get("after") or {}).get("why", ""),
        }
        newest.setdefault(int(event.object_id), told)
    return newest


def version(tenant: Tenant, *, version_id: int) -> ChanceVersion | None:
    return ChanceVersion.objects.for_tenant(tenant).filter(pk=version_id).first()
