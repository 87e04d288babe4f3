"""Which accounts a person may see: the one place where role, grants and scope meet (docs/security.md)."""

from datetime import UTC

from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Account, AccountGroupPerm, AccountUserPerm, Contact, Subscription
from tenants.access import Right, can
from tenants.models import Membership, Tenant, User
from tenants.roles import Role

# its id as a scalar: joined in, the planner takes a CSM's thousand accounts for one and picks the plan for one
SEE_ACCOUNT = Permission.objects.filter(codename="see_account", content_type__app_label="accounts").values(
    "pk"
)[:1]


def visible_accounts(tenant: Tenant, viewer: Membership) -> QuerySet[Account]:
    """The accounts that `viewer` may see, as one queryset that also serves as a subquery; asks nothing itself.

    A single account is looked up in it too (`visible_account`), so a list and a page never disagree.
    """
    if viewer.tenant_id != tenant.pk:
        raise ValueError("the viewer is a member of another tenant")
    accounts = Account.objects.for_tenant(tenant)
    if not may_see_anything(viewer):
        return accounts.none()
    if not can(viewer, Right.VIEW_ALL_ACCOUNTS):
        accounts = accounts.filter(_role_reach(tenant, viewer))
    return _narrowed(accounts, tenant, viewer)


def visible_account(tenant: Tenant, viewer: Membership, *, account_id: int) -> Account | None:
    """The account if `viewer` may see it; None both for a hidden and for an absent one."""
    return visible_accounts(tenant, viewer).select_related("owner").filter(pk=account_id).first()


def contact_of(tenant: Tenant, account: Account, *, contact_id: int, lock: bool = False) -> Contact | None:
    """A person at the account; nobody who was erased."""
    rows = Contact.objects.for_tenant(tenant).filter(account=account, pk=contact_id, erased_at=None)
    return (rows.select_for_update() if lock else rows).first()


def may_see_anything(viewer: Membership) -> bool:
    """An active person with an active membership. A superuser is a technician and sees no tenant's data."""
    return (
        viewer.is_active
        and viewer.user.is_active
        and not viewer.user.is_superuser
        and can(viewer, Right.VIEW_ACCOUNTS)
    )


def _role_reach(tenant: Tenant, viewer: Membership) -> Q:
    """CSMs and managers see what was granted to them; account executives also what names them."""
    granted = Q(pk__in=_granted_ids(tenant, viewer))
    if viewer.role == Role.ACCOUNT_EXECUTIVE:
        return granted | Q(ae_email__iexact=viewer.user.email)
    return granted


def _granted_ids(tenant: Tenant, viewer: Membership) -> QuerySet[AccountUserPerm, int]:
    """guardian's grants, to the person and to the person's groups: one UNION ALL on two indexes (PLATFORM 4)."""
    permission = Subquery(SEE_ACCOUNT)
    groups = User.groups.through.objects.filter(user_id=viewer.user_id).values("group_id")
    mine = AccountUserPerm.objects.filter(
        tenant_id=tenant.pk, user_id=viewer.user_id, permission_id=permission
    )
    ours = AccountGroupPerm.objects.filter(tenant_id=tenant.pk, group_id__in=groups, permission_id=permission)
    ids: QuerySet[AccountUserPerm, int] = mine.values_list("content_object_id", flat=True).union(
        ours.values_list("content_object_id", flat=True), all=True
    )
    return ids


def sees_by_share_alone(tenant: Tenant, viewer: Membership, account: Account) -> bool:
    """Of an account that `viewer` sees: whether nothing but a share shows it, neither role nor ownership nor team."""
    if can(viewer, Right.VIEW_ALL_ACCOUNTS) or account.owner_id == viewer.user_id:
        return False
    if viewer.role == Role.ACCOUNT_EXECUTIVE and account.ae_email.lower() == viewer.user.email.lower():
        return False
    groups = User.groups.through.objects.filter(user_id=viewer.user_id).values("group_id")
    return not AccountGroupPerm.objects.filter(
        tenant_id=tenant.pk,
        content_object_id=account.pk,
        group_id__in=groups,
        permission_id=Subquery(SEE_ACCOUNT),
    ).exists()


def _narrowed(accounts: QuerySet[Account], tenant: Tenant, viewer: Membership) -> QuerySet[Account]:
    """The membership's scope; every list that is filled must hold, an empty one means all."""
    if viewer.regions:
        accounts = accounts.filter(region__in=viewer.regions)
    if viewer.segments:
        accounts = accounts.filter(segment__in=viewer.segments)
    if viewer.programmes:
        accounts = accounts.filter(attributes__programme__in=viewer.programmes)
    if viewer.products:
        accounts = accounts.filter(Exists(_active_subscriptions(tenant, viewer.products)))
    return accounts


def _active_subscriptions(tenant: Tenant, products: list[str]) -> QuerySet[Subscription]:
    """Terms of these products that run today, in the sense of docs/import.md."""
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Subscription.objects.for_tenant(tenant).filter(
        account=OuterRef("pk"), product__in=products, started_at__lt=today, renewal_date__gte=today.date()
    )
