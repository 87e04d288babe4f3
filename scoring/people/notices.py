"""Notices: what a person is told once, until they put it away."""

from django.db.models import QuerySet
from django.utils import timezone

from scoring.people.models import Notice
from tenants.models import Membership, Tenant, User

MOST_SHOWN = 50


def tell(tenant: Tenant, *, user: User | None, kind: str, text: str, account_id: int | None = None) -> None:
    """Leave a notice; nobody is told where the person is gone."""
    if user is None:
        return
    Notice.objects.create(tenant=tenant, user=user, kind=kind, text=text[:500], account_id=account_id)


def open_for(tenant: Tenant, viewer: Membership) -> QuerySet[Notice]:
    """What the viewer has not put away, newest first."""
    rows = Notice.objects.for_tenant(tenant).filter(user=viewer.user_id, dismissed_at=None)
    return rows.order_by("-created_at", "-pk")


def newest(tenant: Tenant, viewer: Membership) -> list[Notice]:
    return list(open_for(tenant, viewer).select_related("account")[:MOST_SHOWN])


def dismiss(tenant: Tenant, viewer: Membership, *, notice_id: int) -> bool:
    """Put one's own notice away, harmless to repeat; whether there is such a notice."""
    mine = Notice.objects.for_tenant(tenant).filter(user=viewer.user_id, pk=notice_id)
    if not mine.exists():
        return False
    mine.filter(dismissed_at=None).update(dismissed_at=timezone.now())
    return True
