"""New leads go to the account executive of their account: one notice a night, which names no person.

It names an account only where it is of that one alone: what is of several would outlive the reader's sight of one.
"""

from collections.abc import Iterable

from accounts.models import Account
from accounts.queries import visible_accounts
from scoring.growth.models import GrowthItem
from scoring.people.notices import tell
from tenants.models import Membership, Tenant
from tenants.queries import people

KIND = "leads_found"


def tell_executives(tenant: Tenant, items: Iterable[GrowthItem]) -> int:
    """Tell each executive of the leads that are new on accounts that they see; how many were told.

    An executive is whoever the account's record names by address, among the workspace's active members.
    """
    fresh: dict[int, int] = {}
    for item in items:
        fresh[item.account_id] = fresh.get(item.account_id, 0) + 1
    named = Account.objects.for_tenant(tenant).filter(pk__in=list(fresh)).exclude(ae_email="")
    by_address: dict[str, list[int]] = {}
    for account_id, address in named.values_list("pk", "ae_email"):
        by_address.setdefault(address.lower(), []).append(account_id)
    told = 0
    for member in people(tenant).select_related("user"):
        theirs = by_address.get(member.user.email.lower(), [])
        if theirs and member.is_active:
            told += _tell(tenant, member, theirs, fresh)
    return told


def _tell(tenant: Tenant, member: Membership, account_ids: list[int], fresh: dict[int, int]) -> bool:
    seen = visible_accounts(tenant, member).filter(pk__in=account_ids).order_by("name", "pk")
    accounts = list(seen.values_list("pk", "name"))
    if not accounts:
        return False
    count = sum(fresh[pk] for pk, _ in accounts)
    only, name = accounts[0] if len(accounts) == 1 else (None, f"{len(accounts)} accounts")
    text = (
        f"{count} new lead{'' if count == 1 else 's'} from usage at {name}. They stand under Growth, Leads."
    )
    tell(tenant, user=member.user, kind=KIND, text=text, account_id=only)
    return True
