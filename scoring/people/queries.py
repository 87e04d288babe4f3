"""Reads of what people say beside the scores."""

from collections.abc import Sequence
from datetime import date

from django.db.models import QuerySet

from accounts.models import Account
from accounts.queries import visible_accounts
from scoring.people.models import CsmSentiment, DataReport, PersonObservation, SourceCorrection
from scoring.people.vulnerability import with_known
from scoring.people.words import ReportState
from tenants.access import Role
from tenants.models import Membership, Tenant

SEE_ALL_OBSERVATIONS = (Role.MANAGER, Role.OPS_ADMIN)  # of the accounts that they see
MOST_REPORTS = 100


def may_see_observations(viewer: Membership, account: Account) -> bool:
    """The account's own CSM, its managers and operations admins; asked beside `visible_account`, not in its place."""
    if viewer.role in SEE_ALL_OBSERVATIONS:
        return True
    return account.owner_id is not None and account.owner_id == viewer.user_id


def sentiment_now(tenant: Tenant, *, account_id: int, today: date) -> CsmSentiment | None:
    """The newest sentiment that still holds."""
    return _sentiments(tenant).filter(account_id=account_id, valid_until__gte=today).first()


def sentiments(tenant: Tenant, *, account_id: int, limit: int = 10) -> list[CsmSentiment]:
    """Every sentiment of the account, newest first, also those that have ended."""
    rows = CsmSentiment.objects.for_tenant(tenant).filter(account_id=account_id)
    return list(rows.order_by("-created_at", "-pk")[:limit])


def sentiments_now(
    tenant: Tenant, account_ids: Sequence[int] | None, *, today: date
) -> dict[int, CsmSentiment]:
    """The newest one that holds, by account; of all accounts where none are named."""
    rows = _sentiments(tenant).filter(valid_until__gte=today)
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    found: dict[int, CsmSentiment] = {}
    for row in rows:
        found.setdefault(row.account_id, row)
    return found


def _sentiments(tenant: Tenant) -> QuerySet[CsmSentiment]:
    rows = CsmSentiment.objects.for_tenant(tenant).filter(withdrawn_at=None)
    return rows.order_by("-created_at", "-pk")


def observations(tenant: Tenant, viewer: Membership, account: Account) -> list[PersonObservation]:
    """The account's observations, newest first, with what is known without them; none for whoever may not see them."""
    if not may_see_observations(viewer, account):
        return []
    rows = PersonObservation.objects.for_tenant(tenant).filter(account=account).select_related("contact")
    return list(with_known(rows).order_by("-observed_on", "-pk")[:20])


def reports(tenant: Tenant, viewer: Membership) -> list[DataReport]:
    """Open reports first, then the newest answered ones, of accounts that the viewer may see."""
    rows = _seen_reports(tenant, viewer)
    found = rows.select_related("account", "feedback").order_by("-opened_at", "-pk")[:MOST_REPORTS]
    return sorted(found, key=lambda row: row.state != ReportState.OPEN)


def report(tenant: Tenant, viewer: Membership, *, report_id: int) -> DataReport | None:
    """One that was not taken back, if its account is visible."""
    return _seen_reports(tenant, viewer).select_related("account", "feedback").filter(pk=report_id).first()


def _seen_reports(tenant: Tenant, viewer: Membership) -> QuerySet[DataReport]:
    rows = DataReport.objects.for_tenant(tenant).exclude(state=ReportState.WITHDRAWN)
    return rows.filter(account__in=visible_accounts(tenant, viewer).values("pk"))


def corrections(tenant: Tenant, viewer: Membership, *, limit: int = 50) -> list[SourceCorrection]:
    """The newest corrections of accounts that the viewer may see, with what became of them."""
    seen = visible_accounts(tenant, viewer).values("pk")
    rows = SourceCorrection.objects.for_tenant(tenant).filter(account__in=seen).select_related("account")
    return list(rows.order_by("-created_at", "-pk")[:limit])
