"""Memberships that a company's groups give and take, workspace by workspace.

A membership made by hand stays as it was made. Each workspace's own rows decide (`GroupRole`), read inside it; whom
they may bring in is the kernel's rule (`tenants.services.let_in_by_group`). What it refuses is on record there.
"""

from django.conf import settings
from django.db import transaction

from audit import services as audit
from signin import queries, records
from signin.models import GroupMember, GroupRole
from tenants import queries as kernel
from tenants import services as people
from tenants.access import Actor
from tenants.exceptions import Refused
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_context


@transaction.atomic
def admit(email: str, *, provider: str, groups: list[str], name: str) -> User | None:
    """A new person, made a member wherever a group of theirs is listed; None where that is nowhere."""
    user = None
    for tenant in _workspaces():
        with tenant_context(tenant.pk):
            wanted = queries.role_for_groups(tenant, provider=provider, groups=groups)
            if wanted is not None:
                membership = _give(tenant, email, wanted, provider=provider, name=name)
                user = membership.user if membership else user
    return user


@transaction.atomic
def follow(user: User, *, provider: str, groups: list[str]) -> None:
    """Bring the memberships that groups gave this person to what the groups say today."""
    for tenant in _workspaces():
        with tenant_context(tenant.pk):
            _follow_in(tenant, user, provider=provider, groups=groups)


def may_be_linked(user: User, *, provider: str, groups: list[str]) -> bool:
    """Whether the provider speaks for this account: all its organisations are among those the provider may open,
    and no group of the person's opens a workspace of another one. Whoever holds the account could be somebody else.
    """
    theirs, served, claimed = set(kernel.organisations_of(user)), set(), set()
    for tenant in _workspaces():
        served.add(tenant.organisation_id)
        if _role_in(tenant, provider=provider, groups=groups):
            claimed.add(tenant.organisation_id)
    return theirs <= served and claimed <= theirs


def _role_in(tenant: Tenant, *, provider: str, groups: list[str]) -> GroupRole | None:
    with tenant_context(tenant.pk):
        return queries.role_for_groups(tenant, provider=provider, groups=groups)


def _follow_in(tenant: Tenant, user: User, *, provider: str, groups: list[str]) -> None:
    wanted = queries.role_for_groups(tenant, provider=provider, groups=groups)
    given = queries.member_by_group(tenant, user)
    if given is not None and (given.provider != provider or not given.membership.is_active):
        return  # another sign-in's, or ended by an admin since: that stays
    if wanted is not None and (given is not None or not kernel.is_member(tenant, user)):
        _give(tenant, user.email, wanted, provider=provider, name="")
    elif wanted is None and given is not None:
        _take(tenant, given, provider=provider)


def _give(tenant: Tenant, email: str, wanted: GroupRole, *, provider: str, name: str) -> Membership | None:
    team = wanted.team.name if wanted.team else ""
    try:
        membership = people.let_in_by_group(
            tenant, email=email, role=wanted.role, team=team, name=name, by=_by(provider)
        )
    except Refused as refusal:
        _record_refusal(tenant, wanted, str(refusal), provider=provider)
        return None
    GroupMember.objects.for_tenant(tenant).update_or_create(
        tenant=tenant, membership=membership, defaults={"provider": provider, "group": wanted.group}
    )
    return membership


def _record_refusal(tenant: Tenant, wanted: GroupRole, why: str, *, provider: str) -> None:
    """Without who it was: the list of groups would tell its admin the addresses of other organisations' people."""
    records.log.warning("a group gave no membership in workspace %s: %s", tenant.slug, why)
    after = {"group": wanted.group, "role": wanted.role, "why": why}
    audit.record(tenant, verb="signin.group_refused", by=_by(provider), subject=wanted, after=after)


def _take(tenant: Tenant, given: GroupMember, *, provider: str) -> None:
    """The group is gone. The last operations admin stays: somebody must be able to mend the list."""
    membership = given.membership
    scope = {name: getattr(membership, name) for name in people.SCOPE}
    try:
        people.change_member(
            tenant, membership_id=membership.pk, role=membership.role, team_id=membership.team_id,
            is_active=False, scope=scope, by=_by(provider),
        )  # fmt: skip
    except Refused:
        return
    given.delete()


def _by(provider: str) -> Actor:
    return Actor("system", f"oidc:{provider}", f"Company sign-in ({provider})")


def _workspaces() -> list[Tenant]:
    """Those that the provider may open: all, or the ones named in the settings."""
    slugs = settings.SIGNIN_OIDC["workspaces"]
    return [tenant for tenant in kernel.all_tenants() if not slugs or tenant.slug in slugs]
