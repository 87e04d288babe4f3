"""Reads of the kernel: tenants, people, memberships, teams."""

from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from tenants.mailbox_models import MailboxMessage
from tenants.models import Membership, Team, Tenant, User
from tenants.roles import RIGHTS, Right, Role


def membership_of(user: User, *, slug: str) -> Membership | None:
    """The active membership of an active person in the tenant of that address, or None."""
    return memberships_of(user).filter(tenant__slug=slug).first()


def memberships_of(user: User) -> QuerySet[Membership]:
    """Where this person may go, by name; nowhere for somebody inactive, nor for a superuser (DECISIONS 15)."""
    memberships = Membership.objects.select_related("tenant", "user")
    if not user.is_active or user.is_superuser:
        return memberships.none()
    return memberships.filter(user=user, is_active=True).order_by("tenant__name", "pk")


def all_memberships_of(user: User) -> QuerySet[Membership]:
    """Active or not, wherever."""
    return Membership.objects.select_related("tenant", "user").filter(user=user).order_by("pk")


def user_by_id(user_id: int) -> User | None:
    return User.objects.filter(pk=user_id).first()


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email=email.strip().lower()).first()


def tenant_by_id(tenant_id: int) -> Tenant | None:
    return Tenant.objects.filter(pk=tenant_id).first()


def tenant_by_slug(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()


def all_tenants() -> QuerySet[Tenant]:
    """For sweeps and commands; the tenants' own table holds no customer data."""
    return Tenant.objects.order_by("pk")


def is_member(tenant: Tenant, user: User) -> bool:
    """An active member, whatever the role."""
    return Membership.objects.filter(tenant=tenant, user=user, is_active=True).exists()


def was_member(tenant: Tenant, user: User) -> bool:
    """A member now or before."""
    return Membership.objects.filter(tenant=tenant, user=user).exists()


def membership_of_user(tenant: Tenant, user: User) -> Membership | None:
    """This person's membership here, active or not."""
    return Membership.objects.filter(tenant=tenant, user=user).first()


def place_kept_for(tenant: Tenant, email: str) -> Membership | None:
    """The membership that waits for somebody of another organisation (tenants.addresses)."""
    if not email:
        return None
    return Membership.objects.select_related("user").filter(tenant=tenant, awaits=email).first()


def member(tenant: Tenant, *, membership_id: int) -> Membership | None:
    """One membership of this tenant, active or not."""
    return Membership.objects.select_related("user", "tenant").filter(tenant=tenant, pk=membership_id).first()


def is_member_elsewhere(tenant: Tenant, user: User) -> bool:
    """Whether another tenant knows this person too: then this one may not rename them."""
    return Membership.objects.filter(user=user).exclude(tenant=tenant).exists()


def other_admins(tenant: Tenant, membership: Membership) -> QuerySet[Membership]:
    """Active operations admins of the tenant besides this one; a stand-in is nobody who could name another."""
    return Membership.objects.filter(
        tenant=tenant, role=Role.OPS_ADMIN, is_active=True, user__is_active=True, awaits=""
    ).exclude(pk=membership.pk)


def organisations_of(user: User) -> list[int]:
    """The organisations in which this person is or was a member."""
    found = Membership.objects.filter(user=user).values_list("tenant__organisation_id", flat=True)
    return sorted(set(found))


def is_known_in(tenant: Tenant, user: User) -> bool:
    """Whether the tenant's organisation, and no other, knows this person."""
    return organisations_of(user) == [tenant.organisation_id]


def open_tenants_of(user: User) -> list[int]:
    """The tenants in which this person is an active member, by id."""
    found = Membership.objects.filter(user=user, is_active=True).values_list("tenant_id", flat=True)
    return sorted(found)


def has_company_sign_in(user: User) -> bool:
    """Whether a company's sign-in is linked to this account."""
    return bool(SocialAccount.objects.filter(user=user).exists())


def tenants_with_right(user: User, right: Right) -> list[Membership]:
    """The memberships whose role carries the right, by the tenant's name."""
    return [each for each in memberships_of(user) if right in RIGHTS[each.role]]


def people(tenant: Tenant) -> QuerySet[Membership]:
    """Everybody in the tenant, by name."""
    return (
        Membership.objects.select_related("user").filter(tenant=tenant).order_by("user__name", "user__email")
    )


def users_of(tenant: Tenant) -> QuerySet[User]:
    """Who may be named in the tenant's rows."""
    found = User.objects.filter(
        memberships__tenant=tenant, memberships__is_active=True, memberships__awaits=""
    )
    return found.order_by("name", "email")


def only(tenant: Tenant) -> QuerySet[Tenant]:
    """The tenant's own row, as a queryset."""
    return Tenant.objects.filter(pk=tenant.pk)


def default_team(tenant: Tenant) -> Team | None:
    return Team.objects.for_tenant(tenant).filter(is_default=True).first()


def teams(tenant: Tenant) -> QuerySet[Team]:
    return Team.objects.for_tenant(tenant).order_by("name")


def kept_mails(tenant: Tenant) -> QuerySet[MailboxMessage]:
    """What the sandbox would have sent, the newest first."""
    return MailboxMessage.objects.for_tenant(tenant).order_by("-pk")


def team_named(tenant: Tenant, name: str) -> Team | None:
    return Team.objects.for_tenant(tenant).filter(name=name).first()


def teams_above(tenant: Tenant, team_id: int) -> list[int]:
    """The team and its parents, nearest first; a cycle in the data ends the walk."""
    return chain_of(team_parents(tenant), team_id)


def team_parents(tenant: Tenant) -> dict[int, int | None]:
    return dict(Team.objects.for_tenant(tenant).values_list("pk", "parent_id"))


def chain_of(parents: dict[int, int | None], team_id: int) -> list[int]:
    """The walk of `teams_above` over parents already read."""
    chain: list[int] = []
    at: int | None = team_id
    while at is not None and at not in chain:
        chain.append(at)
        at = parents.get(at)
    return chain
