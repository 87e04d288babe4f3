"""Reads of the kernel: tenants, people, memberships, teams."""

from django.db.models import QuerySet

from tenants.models import Membership, Team, Tenant, User


def membership_of(user: User, *, slug: str) -> Membership | None:
    """The active membership of an active person in the tenant of that address, or None."""
    if not user.is_active:
        return None
    return (
        Membership.objects.select_related("tenant", "user")
        .filter(user=user, tenant__slug=slug, is_active=True)
        .first()
    )


def memberships_of(user: User) -> QuerySet[Membership]:
    """Where this person may go, by name."""
    return (
        Membership.objects.select_related("tenant")
        .filter(user=user, is_active=True)
        .order_by("tenant__name", "pk")
    )


def tenant_by_slug(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()


def all_tenants() -> QuerySet[Tenant]:
    """For sweeps and commands; the tenants' own table holds no customer data."""
    return Tenant.objects.order_by("pk")


def people(tenant: Tenant) -> QuerySet[Membership]:
    """Everybody in the tenant, by name."""
    return (
        Membership.objects.select_related("user").filter(tenant=tenant).order_by("user__name", "user__email")
    )


def default_team(tenant: Tenant) -> Team | None:
    return Team.objects.for_tenant(tenant).filter(is_default=True).first()


def team_named(tenant: Tenant, name: str) -> Team | None:
    return Team.objects.for_tenant(tenant).filter(name=name).first()


def teams_above(tenant: Tenant, team_id: int) -> list[int]:
    """The team and its parents, nearest first; a cycle in the data ends the walk."""
    parents = dict(Team.objects.for_tenant(tenant).values_list("pk", "parent_id"))
    chain: list[int] = []
    at: int | None = team_id
    while at is not None and at not in chain:
        chain.append(at)
        at = parents.get(at)
    return chain
