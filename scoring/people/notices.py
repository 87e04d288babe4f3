"""Notices: what a person is told once, until they put it away."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.queries import visible_account, visible_accounts
from scoring.people.models import Notice
from tenants.access import sees_everything
from tenants.models import Membership, Tenant, User
from tenants.queries import membership_of_user

MOST_SHOWN = 50


def tell(tenant: Tenant, *, user: User | None, kind: str, text: str, account_id: int | None = None) -> None:
    """Leave a notice; nobody is told who is gone, or who does not see the account any more, which its text names."""
    reader = membership_of_user(tenant, user) if user else None
    if user is None or reader is None or not reader.is_active:
        return
    if account_id is not None and visible_account(tenant, reader, account_id=account_id) is None:
        return
    Notice.objects.create(tenant=tenant, user=user, kind=kind, text=text[:500], account_id=account_id)


def open_for(tenant: Tenant, viewer: Membership) -> QuerySet[Notice]:
    """What the viewer has not put away, newest first."""
    return _of(tenant, viewer).filter(dismissed_at=None).order_by("-created_at", "-pk")


def newest(tenant: Tenant, viewer: Membership) -> list[Notice]:
    return list(open_for(tenant, viewer).select_related("account")[:MOST_SHOWN])


def dismiss(tenant: Tenant, viewer: Membership, *, notice_id: int) -> bool:
    """Put one's own notice away, harmless to repeat; whether there is such a notice."""
    mine = _of(tenant, viewer).filter(pk=notice_id)
    if not mine.exists():
        return False
    mine.filter(dismissed_at=None).update(dismissed_at=timezone.now())
    return True


def _of(tenant: Tenant, viewer: Membership) -> QuerySet[Notice]:
    """The viewer's own, but for those of accounts that they do not see now: the text names the account."""
    rows = Notice.objects.for_tenant(tenant).filter(user=viewer.user_id)
    if sees_everything(viewer):
        return rows
    seen = visible_accounts(tenant, viewer).filter(pk=OuterRef("account_id"))
    return rows.filter(Q(account=None) | Exists(seen))
