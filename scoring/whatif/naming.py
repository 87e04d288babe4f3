"""Whom a replay names: its figures are of the whole workspace, its lists of the accounts that the viewer may see."""

from collections.abc import Mapping
from typing import Any

from accounts.queries import visible_accounts
from scoring.growth.queries import sees_everything
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant

LISTS = ("leavers", "newly", "cleared", "moves")


def seen_of(
    tenant: Tenant, viewer: Membership, *stored: Mapping[str, Any] | None
) -> list[dict[str, Any] | None]:
    """The same stored answers with their lists of accounts cut; one statement, or none where nobody is named."""
    lists = [(found, name) for found in stored if found for name in LISTS if name in found]
    ids = {each["account_id"] for found, name in lists for each in found[name]}
    rows = visible_accounts(tenant, viewer).filter(pk__in=ids)
    seen = set(rows.values_list("pk", flat=True)) if ids else set()
    return [_cut(found, seen) if found else None for found in stored]


def _cut(found: Mapping[str, Any], seen: set[int]) -> dict[str, Any]:
    return {
        key: [each for each in value if each["account_id"] in seen] if key in LISTS else value
        for key, value in found.items()
    }


def money(viewer: Membership) -> dict[str, bool]:
    """Whether amounts of named accounts are shown, and sums over the workspace.

    Whoever sees a part gets no sums: two replays that differ by one hidden account would tell its amount.
    """
    sees_arr = sees(viewer, Field.ARR)
    return {"sees_arr": sees_arr, "sees_sums": sees_arr and sees_everything(viewer)}
