"""How far a person sees: rights by role, narrowed by the membership's scope. The one place for whole workspaces; for
single accounts it is `visible_accounts`."""

from typing import Any

from tenants import hooks
from tenants.models import Membership, Tenant
from tenants.roles import RIGHTS, Right, Role

SCOPE = ("regions", "segments", "products", "programmes")  # lists of a membership; an empty one means all


def can(membership: Membership, right: Right) -> bool:
    """Whether this person's role holds the right in this tenant."""
    return membership.is_active and right in RIGHTS[Role(membership.role)]


def is_scoped(membership: Membership) -> bool:
    """Whether a scope narrows what the role reaches."""
    return any(getattr(membership, name) for name in SCOPE)


def sees_everything(membership: Membership) -> bool:
    """All accounts and not narrowed to some: whoever may be shown figures of the whole workspace, and what belongs to
    no account or to accounts that are gone."""
    return can(membership, Right.VIEW_ALL_ACCOUNTS) and not is_scoped(membership)


def mark_of(membership: Membership) -> list[Any]:
    """What an admin sets of a person's reach, to compare it with a later day's; shares and owners are not in it."""
    return [membership.role, membership.team_id, *(getattr(membership, name) for name in SCOPE)]


def still_sees(tenant: Tenant, viewer: Membership, named: dict[str, Any]) -> bool:
    """Whether the person sees, now, everything that an address names in its path (`named`).

    False where it names nothing that an app can look up (`hooks.when_asked_who_sees`), but for whoever sees everything.
    """
    if sees_everything(viewer):
        return True
    known = named.keys() & hooks.sees.keys()
    return bool(known) and all(hooks.sees[name](tenant, viewer, named[name]) for name in known)
