"""What the account page shows of one account: people, contract, goals, freshness of its sources."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from accounts.models import Account, AccountShare, Milestone, Note, Objective, Subscription
from tenants.models import Tenant

QUIET_AFTER_DAYS = 45
GOALS = 12  # objectives, and milestones

_PEOPLE = """
SELECT c.id, c.external_id, c.name, c.email, c.title, c.role, c.department, c.departed_at, c.do_not_contact,
       last.at AS last_contact
  FROM accounts_contact c
  LEFT JOIN (
        SELECT person, max(occurred_at) AS at FROM accounts_activity a, unnest(a.contact_external_ids) AS person
         WHERE a.tenant_id = %(tenant)s AND a.account_id = %(account)s AND a.occurred_at < %(day)s
         GROUP BY person) last ON last.person = c.external_id
 WHERE c.tenant_id = %(tenant)s AND c.account_id = %(account)s AND c.erased_at IS NULL
 ORDER BY (c.departed_at IS NOT NULL AND c.role <> 'champion'), array_position(
        ARRAY['champion', 'executive_sponsor', 'economic_buyer', 'admin', 'detractor', 'user', ''], c.role::text),
        last.at DESC NULLS LAST, c.id
 LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Person:
    """A contact with the last time that anybody of ours and they were in touch."""

    id: int
    external_id: str
    name: str
    email: str
    title: str
    role: str
    department: str
    departed_at: datetime | None
    do_not_contact: bool | None
    last_contact: datetime | None

    def state(self, day: date) -> str:
        """left, quiet, active or unknown on that day."""
        if self.departed_at is not None and self.departed_at.date() <= day:
            return "left"
        if self.last_contact is None:
            return "unknown"
        return "quiet" if (day - self.last_contact.date()).days > QUIET_AFTER_DAYS else "active"


def people(tenant: Tenant, account: Account, *, day: date, limit: int = 12) -> list[Person]:
    """The people at the account: those with a part to play first, then by last contact; who left comes last.

    A champion who left has a place among many, as scores count their leaving.
    """
    values: dict[str, Any] = {"tenant": tenant.pk, "account": account.pk, "day": day, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, values)
        found = [Person(*row) for row in cursor.fetchall()]
    return sorted(found, key=lambda person: person.departed_at is not None)


def terms(tenant: Tenant, account: Account) -> QuerySet[Subscription]:
    """All terms of the account, the latest first."""
    return Subscription.objects.for_tenant(tenant).filter(account=account).order_by("-renewal_date", "-id")


@dataclass(frozen=True)
class Contract:
    """What the account has on one day."""

    active: list[Subscription]
    past: list[Subscription]
    arr: Decimal | None
    currency: str
    seats: int | None
    renewal_date: date | None


def contract(tenant: Tenant, account: Account, *, day: date) -> Contract:
    """Active on D: started before D and renewing on D or later (docs/import.md). ARR adds up one currency."""
    rows = list(terms(tenant, account)[:60])
    active = [row for row in rows if row.started_at.date() < day <= row.renewal_date]
    largest = max(active, key=lambda row: (row.arr, row.pk), default=None)
    same = [row for row in active if largest is not None and row.currency == largest.currency]
    return Contract(
        active=active,
        past=[row for row in rows if row not in active],
        arr=sum((row.arr for row in same), Decimal(0)) if same else None,
        currency=largest.currency if largest else "",
        seats=sum(row.seats or 0 for row in active) or None,
        renewal_date=min((row.renewal_date for row in active), default=None),
    )


def goals(tenant: Tenant, account: Account) -> tuple[list[Objective], list[Milestone]]:
    """Objectives and milestones: the open ones by their day, then the finished ones, the newest first.

    GOALS of each and one more where there are more.
    """
    objectives = Objective.objects.for_tenant(tenant).filter(account=account)
    milestones = Milestone.objects.for_tenant(tenant).filter(account=account)
    return (
        list(objectives.order_by(F("achieved_at").desc(nulls_first=True), "due_at", "id")[: GOALS + 1]),
        list(milestones.order_by(F("completed_at").desc(nulls_first=True), "due_at", "id")[: GOALS + 1]),
    )


def notes(tenant: Tenant, account: Account) -> QuerySet[Note]:
    return Note.objects.for_tenant(tenant).filter(account=account).order_by("-created_at", "-id")


def shares(tenant: Tenant, account: Account) -> QuerySet[AccountShare]:
    return (
        AccountShare.objects.for_tenant(tenant).select_related("user").filter(account=account).order_by("id")
    )


_SOURCES = """
SELECT source, newest, recorded FROM (
    SELECT 1 AS place, 'Usage' AS source, max(day)::timestamptz AS newest, max(recorded_at) AS recorded
      FROM accounts_usage_day WHERE tenant_id = %(tenant)s AND account_id = %(account)s
    UNION ALL SELECT 2, 'Support', max(opened_at), max(recorded_at)
      FROM accounts_ticket WHERE tenant_id = %(tenant)s AND account_id = %(account)s
    UNION ALL SELECT 3, 'Mail, calls and meetings', max(occurred_at), max(recorded_at)
      FROM accounts_activity WHERE tenant_id = %(tenant)s AND account_id = %(account)s
    UNION ALL SELECT 4, 'Surveys', max(responded_at), max(recorded_at)
      FROM accounts_survey WHERE tenant_id = %(tenant)s AND account_id = %(account)s
    UNION ALL SELECT 5, 'Billing', max(issued_at), max(recorded_at)
      FROM accounts_invoice WHERE tenant_id = %(tenant)s AND account_id = %(account)s
) s ORDER BY place
"""


def sources(tenant: Tenant, account: Account) -> list[dict[str, Any]]:
    """Each source's newest evidence of this account, and when it was recorded."""
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, {"tenant": tenant.pk, "account": account.pk})
        return [dict(zip(("name", "newest", "recorded"), row, strict=True)) for row in cursor.fetchall()]
