"""Which past days a tenant's evidence and outcomes allow to learn from. No maths: pages ask it, too."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from tenants.models import Tenant

SPACING_DAYS = 30
MOST = 24
HISTORY_DAYS = 90  # what most indicators look back on: an earlier day would see half of it

# By account, because only rows of customers count (a bundle cut at a day has no others), and because each is one look
# into an index. Outcomes stand here only for the far end: they are recorded late, so they begin late.
_DATED = {
    "accounts_usage_day": "day",
    "accounts_ticket": "(opened_at AT TIME ZONE 'UTC')::date",
    "accounts_activity": "(occurred_at AT TIME ZONE 'UTC')::date",
    "accounts_survey": "(responded_at AT TIME ZONE 'UTC')::date",
    "accounts_invoice": "(issued_at AT TIME ZONE 'UTC')::date",
}
_TIMES = {
    "accounts_usage_day": "day", "accounts_ticket": "opened_at", "accounts_activity": "occurred_at",
    "accounts_survey": "responded_at", "accounts_invoice": "issued_at",
}  # fmt: skip


def _span_of(table: str, shown: str, moment: str) -> str:
    known = f"e.{moment} < %(day)s::date" if moment == "day" else f"e.{moment} < %(start)s"
    one = (
        f"(SELECT {shown.replace(moment, 'e.' + moment)} FROM {table} e "  # noqa: S608  names of this module
        f"WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id AND {known} ORDER BY e.{moment} {{order}} LIMIT 1)"
    )
    return (
        f"SELECT min({one.format(order='ASC')}) AS first, max({one.format(order='DESC')}) AS last "  # noqa: S608
        "FROM accounts_account a WHERE a.tenant_id = %(tenant)s AND a.customer_since < %(day)s::date"
    )


_SPAN = "SELECT min(first), max(last) FROM ({}) AS spans".format(  # noqa: S608
    " UNION ALL ".join(_span_of(table, shown, _TIMES[table]) for table, shown in _DATED.items())
)
_OUTCOMES = """
SELECT min((effective_at AT TIME ZONE 'UTC')::date), max((effective_at AT TIME ZONE 'UTC')::date)
FROM accounts_outcome WHERE tenant_id = %(tenant)s AND effective_at < %(start)s
"""
_BOTH = f"SELECT * FROM ({_SPAN}) AS evidence, ({_OUTCOMES}) AS outcomes"  # noqa: S608  texts of this module

# The first leaving of each account counts, where the account was a customer on the last landmark before it.
_SEEN = """
WITH gone AS (
    SELECT account_id, (min(effective_at) AT TIME ZONE 'UTC')::date AS day FROM accounts_outcome
    WHERE tenant_id = %(tenant)s AND kind = 'churned' GROUP BY account_id
)
SELECT a.id FROM gone JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = gone.account_id
WHERE gone.day < %(until)s AND a.customer_since < (
    SELECT max(mark) FROM unnest(%(days)s::date[]) AS mark WHERE mark <= gone.day)
"""


@dataclass(frozen=True)
class Span:
    """What is known, and from when on it can be learnt from."""

    since: date | None  # the first usable landmark; None: there is none
    until: date  # outcomes are known up to the beginning of this day

    def days(self, most: int = MOST) -> tuple[date, ...]:
        """The landmarks, ascending: counted back from the end of what is known."""
        if self.since is None:
            return ()
        days = (self.until - timedelta(days=SPACING_DAYS * back) for back in range(most, 0, -1))
        return tuple(day for day in days if day >= self.since)


def of(tenant: Tenant, as_of: date) -> Span:
    """From HISTORY_DAYS after the first evidence on, and not before the first outcome, because before it nobody would
    be seen to leave. One statement; needs the tenant's transaction."""
    start = datetime.combine(as_of, time(), UTC)
    parameters: dict[str, Any] = {"tenant": tenant.pk, "day": as_of, "start": start}
    with connection.cursor() as cursor:
        cursor.execute(_BOTH, parameters)
        first, last, first_outcome, last_outcome = cursor.fetchone()
    ends = [each + timedelta(days=1) for each in (last, last_outcome) if each is not None]
    until = min(as_of, max(ends)) if ends else as_of
    if first is None or first_outcome is None:
        return Span(None, until)
    return Span(max(first + timedelta(days=HISTORY_DAYS), first_outcome), until)


def seen_to_leave(tenant: Tenant, span: Span) -> list[int]:
    """The accounts whose leaving a training as of then sees: their ids. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"tenant": tenant.pk, "until": span.until, "days": list(span.days())})
        return [row[0] for row in cursor.fetchall()]
