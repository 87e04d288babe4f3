"""Teams, and the guardian groups that role and team put a person into."""

import hashlib

from django.contrib.auth.models import Group
from django.db import transaction

from audit import services as audit
from tenants import queries
from tenants.access import Actor
from tenants.exceptions import Refused
from tenants.models import Membership, Team, Tenant
from tenants.roles import Role


@transaction.atomic
def ensure_team(tenant: Tenant, *, name: str, by: Actor, is_default: bool = False) -> Team:
    """The team of that name, with its two guardian groups."""
    return queries.team_named(tenant, name) or create_team(tenant, name=name, by=by, is_default=is_default)


@transaction.atomic
def create_team(
    tenant: Tenant, *, name: str, by: Actor, parent: Team | None = None, is_default: bool = False
) -> Team:
    """A new team; its groups are named so that no other tenant's can be meant, whatever the team is called."""
    if is_default:
        Team.objects.for_tenant(tenant).filter(is_default=True).update(is_default=False)
    mark = hashlib.sha256(name.encode()).hexdigest()[:16]
    groups = {
        kind: Group.objects.create(name=f"tenant:{tenant.pk}:{kind}:{name[:80]}:{mark}")
        for kind in ("managers", "members")
    }
    team = Team.objects.create(tenant=tenant, name=name, parent=parent, is_default=is_default, **groups)
    audit.record(
        tenant, verb="tenants.team_created", by=by, subject=team,
        after={"name": name, "parent": str(parent or ""), "is_default": is_default},
    )  # fmt: skip
    _sync_managers(tenant)
    return team


@transaction.atomic
def change_team(
    tenant: Tenant, *, team_id: int, name: str, parent: Team | None, is_default: bool, by: Actor
) -> Team:
    """Rename a team, move it under another, or make it the default; managers' groups follow the tree."""
    team = Team.objects.for_tenant(tenant).select_for_update().get(pk=team_id)
    if parent is not None and team_id in queries.teams_above(tenant, parent.pk):
        raise Refused(f"{parent} stands under {team} itself, so it cannot be above it.")
    if team.is_default and not is_default:
        raise Refused("Make another team the default first: accounts without a known CSM need one.")
    before = {"name": team.name, "parent": str(team.parent or ""), "is_default": team.is_default}
    after = {"name": name, "parent": str(parent or ""), "is_default": is_default}
    if before == after:
        return team
    if is_default and not team.is_default:
        Team.objects.for_tenant(tenant).filter(is_default=True).update(is_default=False)
    team.name, team.parent, team.is_default = name, parent, is_default
    team.save(update_fields=["name", "parent", "is_default"])
    audit.record(tenant, verb="tenants.team_changed", by=by, subject=team, before=before, after=after)
    _sync_managers(tenant)
    return team


def _sync_managers(tenant: Tenant) -> None:
    """The tree changed: each manager's groups anew. Managers are few."""
    for membership in queries.people(tenant).filter(role=Role.MANAGER):
        sync_groups(tenant, membership)


def sync_groups(tenant: Tenant, membership: Membership) -> None:
    """Put the person into exactly the groups of this tenant that role and team give."""
    teams = list(Team.objects.for_tenant(tenant))
    wanted = _groups_of(teams, membership) if membership.is_active and membership.team_id else set()
    ours = {group for team in teams for group in (team.managers_id, team.members_id)}
    current = set(membership.user.groups.filter(pk__in=ours).values_list("pk", flat=True))
    membership.user.groups.remove(*(current - wanted))
    membership.user.groups.add(*(wanted - current))


def _groups_of(teams: list[Team], membership: Membership) -> set[int]:
    """A manager leads the own team and all below it; a CSM works the own team's pooled accounts."""
    own = membership.team_id
    assert own is not None
    parents = {team.pk: team.parent_id for team in teams}
    if membership.role == Role.MANAGER:
        return {team.managers_id for team in teams if own in queries.chain_of(parents, team.pk)}
    if membership.role == Role.CSM:
        return {team.members_id for team in teams if team.pk == own}
    return set()
