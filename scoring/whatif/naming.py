"""Whom a replay names: its figures are of the whole workspace, its lists of the accounts that the viewer may see."""

from collections.abc import Mapping
from typing import Any

from accounts.queries import visible_accounts
from scoring.growth.queries import sees_everything
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant

BY_MONEY = {"leavers", "newly", "cleared"}  # stored with the largest amount first
LISTS = BY_MONEY | {"moves"}


def seen_of(
    tenant: Tenant, viewer: Membership, *stored: Mapping[str, Any] | None
) -> list[dict[str, Any] | None]:
    """The same stored answers with their lists of accounts cut; one statement, or none where nobody is named.

    For those who do not see ARR the name decides where the amount would.
    """
    lists = [(found, name) for found in stored if found for name in LISTS if name in found]
    ids = {each["account_id"] for found, name in lists for each in found[name]}
    rows = visible_accounts(tenant, viewer).filter(pk__in=ids)
    seen = set(rows.values_list("pk", flat=True)) if ids else set()
    by_money = sees(viewer, Field.ARR)
    return [_cut(found, seen, by_money=by_money) if found else None for found in stored]


def _cut(found: Mapping[str, Any], seen: set[int], *, by_money: bool) -> dict[str, Any]:
    cut = dict(found)
    for name in LISTS & found.keys():
        cut[name] = [each for each in found[name] if each["account_id"] in seen]
        if name in BY_MONEY and not by_money:
            cut[name].sort(key=lambda each: (not each.get("turns"), each["name"], each["account_id"]))
    return cut


def money(viewer: Membership) -> dict[str, bool]:
    """Whether amounts of named accounts are shown, and sums over the workspace.

    Whoever sees a part gets no sums: two replays that differ by one hidden account would tell its amount.
    """
    sees_arr = sees(viewer, Field.ARR)
    return {"sees_arr": sees_arr, "sees_sums": sees_arr and sees_everything(viewer)}
