"""The newest day of which anything is known: what the day to score by default follows from."""

from datetime import date, timedelta

from django.db import connection

from tenants.models import Tenant

# Columns that say when something was seen to happen. Terms that start and outcomes that take effect later may be
# entered ahead, so they do not count.
_SEEN = {
    "accounts_ticket": ("opened_at", "first_response_at", "closed_at", "escalated_at"),
    "accounts_survey": ("responded_at",),
    "accounts_activity": ("occurred_at",),
    "accounts_invoice": ("issued_at", "paid_at", "voided_at"),
    "accounts_objective": ("declared_at", "achieved_at"),
    "accounts_milestone": ("completed_at",),
    "accounts_contact": ("joined_at", "departed_at"),
    "accounts_companyevent": ("published_at",),
    "accounts_opportunity": ("created_at", "closed_at"),
    "accounts_opportunitychange": ("changed_at",),
}
_PARTS = [
    "SELECT max(day) AS day FROM accounts_usage_day WHERE tenant_id = %(tenant)s AND day <= %(until)s",
    *(
        f"SELECT max(({column} AT TIME ZONE 'UTC')::date) FROM {table} "  # noqa: S608
        f"WHERE tenant_id = %(tenant)s AND ({column} AT TIME ZONE 'UTC')::date <= %(until)s"
        for table, columns in _SEEN.items()
        for column in columns
    ),
]
NEWEST = f"SELECT max(day) FROM ({' UNION ALL '.join(_PARTS)}) AS seen"  # noqa: S608  names of this module


def newest_evidence(tenant: Tenant, *, until: date = date.max) -> date | None:
    """The newest day (UTC) on which anything was seen; None for a tenant without evidence. Needs its transaction.

    Days after `until` are left out: a calendar may hold meetings to come.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, {"tenant": tenant.pk, "until": until})
        found: date | None = cursor.fetchone()[0]
    return found


def day_after(day: date) -> date:
    """The first day from which everything known on `day` counts."""
    return day + timedelta(days=1)


def default_day(tenant: Tenant) -> date | None:
    """The day after the newest evidence, from which everything that is known counts."""
    newest = newest_evidence(tenant)
    return None if newest is None else day_after(newest)
