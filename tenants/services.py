"""Writes about tenants, people and teams."""

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from audit import services as audit
from tenants import hooks, queries
from tenants.access import Actor
from tenants.models import Membership, Organisation, Team, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_context

DEFAULT_TEAM = "Customer Success"


@transaction.atomic
def create_tenant(
    *, organization: str, slug: str, environment: str, currency: str, time_zone: str, by: Actor
) -> tuple[Tenant, bool]:
    """The tenant of that slug, made with its default team when absent; (tenant, whether it was created)."""
    existing = queries.tenant_by_slug(slug)
    if existing is not None:
        return existing, False
    organisation, _ = Organisation.objects.get_or_create(name=organization)
    tenant = Tenant.objects.create(
        organisation=organisation,
        slug=slug,
        name=organization if environment == "production" else f"{organization} (sandbox)",
        environment=environment,
        currency=currency,
        time_zone=time_zone,
    )
    with tenant_context(tenant.pk):
        ensure_team(tenant, name=DEFAULT_TEAM, by=by, is_default=True)
        audit.record(tenant, verb="tenants.tenant_created", by=by, subject=tenant, after={"slug": slug})
        hooks.tenant_created(tenant)
    return tenant, True


@transaction.atomic
def ensure_team(tenant: Tenant, *, name: str, by: Actor, is_default: bool = False) -> Team:
    """The team of that name, with its two guardian groups."""
    team = queries.team_named(tenant, name)
    if team is not None:
        return team
    groups = {
        kind: Group.objects.create(name=f"tenant:{tenant.pk}:{kind}:{name}"[:150])
        for kind in ("managers", "members")
    }
    team = Team.objects.create(tenant=tenant, name=name, is_default=is_default, **groups)
    audit.record(tenant, verb="tenants.team_created", by=by, subject=team)
    return team


@transaction.atomic
def ensure_member(
    tenant: Tenant,
    *,
    email: str,
    role: str,
    by: Actor,
    name: str = "",
    team: str = "",
    password: str | None = None,
    scope: dict[str, list[str]] | None = None,
) -> tuple[Membership, bool]:
    """The person's membership with this role and team, created or brought up to date; (membership, created)."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        user = User.objects.create_user(email, password, name=name)
    elif password is not None:
        user.set_password(password)
        user.save(update_fields=["password"])
    if name and user.name != name:
        user.name = name
        user.save(update_fields=["name"])
    team_row = ensure_team(tenant, name=team or DEFAULT_TEAM, by=by)
    values: dict[str, Any] = {"role": role, "team_id": team_row.pk, "is_active": True, **(scope or {})}
    before = (
        Membership.objects.filter(tenant=tenant, user=user).values("role", "team_id", "is_active").first()
    )
    membership, created = Membership.objects.update_or_create(tenant=tenant, user=user, defaults=values)
    _sync_groups(tenant, membership)
    audit.record(
        tenant,
        verb="tenants.member_created" if created else "tenants.member_changed",
        by=by,
        object_type="tenants.membership",
        object_id=str(membership.pk),
        object_label=str(user),
        before=before,
        after=values,
    )
    hooks.membership_changed(membership)
    return membership, created


def _sync_groups(tenant: Tenant, membership: Membership) -> None:
    """Put the person into exactly the groups of this tenant that role and team give."""
    teams = list(Team.objects.for_tenant(tenant))
    below = {team.pk: queries.teams_above(tenant, team.pk) for team in teams}
    mine = membership.team_id if membership.is_active else None
    wanted: set[int] = set()
    for team in teams:
        if mine is None:
            break
        if membership.role == Role.MANAGER and mine in below[team.pk]:
            wanted.add(team.managers_id)
        if membership.role == Role.CSM and mine == team.pk:
            wanted.add(team.members_id)
    ours = {group for team in teams for group in (team.managers_id, team.members_id)}
    current = set(membership.user.groups.filter(pk__in=ours).values_list("pk", flat=True))
    membership.user.groups.remove(*(current - wanted))
    membership.user.groups.add(*(wanted - current))
