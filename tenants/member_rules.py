"""What holds when a person changes somebody's membership: nothing is overwritten unseen, nobody changes the own rights,
nobody gives a wider scope than the own one, and one operations admin stays, who sees everything if one did."""

from django.db.models import Q

from tenants import queries, seen
from tenants.access import SCOPE, Actor, is_scoped
from tenants.exceptions import Refused
from tenants.models import Membership, Tenant
from tenants.roles import Role

Scope = dict[str, list[str]]


def locked(tenant: Tenant, membership_id: int, *, by: Actor) -> tuple[Membership, Membership | None]:
    """The membership, and that of whoever changes it, as they are under the lock.

    All operations admins are locked along with it, always in the same order: two who take each other's role would else
    both find the other one still there. Raises Refused where the acting admin is none any more.
    """
    wanted = Q(pk=membership_id) | Q(role=Role.OPS_ADMIN, is_active=True)
    rows = Membership.objects.select_related("user", "tenant").filter(wanted, tenant=tenant)
    found = {each.pk: each for each in rows.select_for_update(of=("self",), no_key=True).order_by("pk")}
    acting = found.get(by.membership.pk) if by.membership else None
    if by.membership is not None and by.membership.role == Role.OPS_ADMIN and not _may_act(acting):
        raise Refused("You are no operations admin here any more: somebody changed that meanwhile.")
    if membership_id not in found:
        raise Membership.DoesNotExist(f"no membership {membership_id} here")
    return found[membership_id], acting or by.membership


def check(
    membership: Membership, acting: Membership | None, *, role: str, is_active: bool, scope: Scope, was: str
) -> None:
    """Raises Refused, with words for whoever wants the change."""
    if was and was != seen.of_member(membership):
        raise Refused(seen.STALE)
    others = scope != {name: getattr(membership, name) for name in scope}
    loses_role = membership.is_active and (role != membership.role or not is_active)
    if acting is not None and acting.pk == membership.pk and (loses_role or others):
        raise Refused(
            "You cannot change your own role or scope, or end your own membership: ask another operations admin."
        )
    is_admin = membership.role == Role.OPS_ADMIN and membership.is_active
    if is_admin and loses_role and not queries.other_admins(membership.tenant, membership).exists():
        raise Refused("This is the workspace's only operations admin: name another one first.")
    if is_admin and (loses_role or others):
        _one_who_sees_everything_stays(membership, stays=not loses_role, scope=scope)
    gives = others or role != membership.role or (is_active and not membership.is_active)
    if gives and is_active:
        gives_no_more_than_own(acting, scope_of(membership) | scope)


def _one_who_sees_everything_stays(membership: Membership, *, stays: bool, scope: Scope) -> None:
    """Else nobody would be left who could widen a scope again: narrowed admins give no more than their own."""
    keeps = stays and not any((scope_of(membership) | scope).values())
    if is_scoped(membership) or keeps:
        return
    everything: dict[str, list[str]] = {name: [] for name in SCOPE}
    if not queries.other_admins(membership.tenant, membership).filter(**everything).exists():
        raise Refused(
            "This is the workspace's only operations admin who sees everything: name another one first."
        )


def gives_no_more_than_own(acting: Membership | None, scope: Scope) -> None:
    """Whoever is narrowed could else lift the own scope by way of another person."""
    for name in SCOPE:
        own = set(getattr(acting, name)) if acting else set()
        if own and not (scope.get(name) and set(scope[name]) <= own):
            raise Refused(
                f"You see only some {name} yourself ({', '.join(sorted(own))}): name one or more of these, or ask an "
                "operations admin who sees everything."
            )


def scope_of(membership: Membership) -> Scope:
    return {name: getattr(membership, name) for name in SCOPE}


def _may_act(acting: Membership | None) -> bool:
    return acting is not None and acting.is_active and acting.role == Role.OPS_ADMIN
