"""The rows that a brief speaks of, in one statement over all kinds, and where each can be seen."""
# ruff: noqa: S608  the parts are constants of this file; values are always parameters

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse

from accounts.models import Account
from scoring.outcomes.queries import seen_sql
from scoring.why.cohorts import LEAST
from tenants.models import Membership, Tenant

BACK_DAYS = 365  # of people, mentions
TERMS = 12
MENTIONS = 8
FEATURES_BACK_DAYS = 90
PEERS = 200  # other customers with the same product whose features are compared: more would say the same
LEAST_PEERS = LEAST  # fewer would tell about each of them
LINES = {
    "ticket": "Support",
    "departed": "People",
    "joined": "People",
    "changed": "People",
    "outcome": "Contract",
}
MENTIONED_IN = {
    "ticket": ("ticket", "Support"),
    "resolution": ("ticket", "Support"),
    "activity": ("activity", "Contacts"),
    "survey": ("survey", "Surveys"),
}
_OWN = "{0}.tenant_id = %(tenant)s AND {0}.account_id = %(account)s"
_PARTS = "('champion', 'executive_sponsor', 'economic_buyer')"
_PEOPLE = (
    "jsonb_build_object('name', c.name, 'role', c.role, 'title', c.title) FROM accounts_contact c "
    f"WHERE {_OWN.format('c')} AND c.erased_at IS NULL "
    f"AND c.role IN {_PARTS} "
)
_RECORDS = f"""
SELECT kind, id, external_id, at, data FROM (
  SELECT 'ticket' AS kind, t.id, t.external_id, t.opened_at AS at, jsonb_build_object(
         'subject', t.subject, 'priority', t.priority, 'since', t.escalated_at::date) AS data
    FROM accounts_ticket t
   WHERE {_OWN.format("t")} AND t.escalated_at < %(end)s AND (t.closed_at IS NULL OR t.closed_at >= %(end)s)
  UNION ALL
  SELECT 'departed', c.id, c.external_id, c.departed_at, {_PEOPLE}
     AND c.departed_at >= %(back)s AND c.departed_at < %(end)s
  UNION ALL
  SELECT 'joined', c.id, c.external_id, c.joined_at, {_PEOPLE}
     AND c.joined_at >= %(back)s AND c.joined_at < %(end)s
  UNION ALL
  SELECT 'changed', k.id, c.external_id, k.changed_at,
         jsonb_build_object('name', c.name, 'role', c.role, 'field', k.field, 'old', k.old, 'new', k.new)
    FROM accounts_contactchange k
    JOIN accounts_contact c ON c.tenant_id = k.tenant_id AND c.id = k.contact_id
   WHERE {_OWN.format("c")} AND c.erased_at IS NULL AND k.changed_at >= %(back)s AND k.changed_at < %(end)s
     AND (k.field = 'role' AND (k.old IN {_PARTS} OR k.new IN {_PARTS}) OR k.field = 'title' AND c.role IN {_PARTS})
  UNION ALL
  SELECT 'role', c.id, c.external_id, k.created_at,
         jsonb_build_object('name', c.name, 'role', k.old, 'now', k.new, 'why', k.why)
    FROM scoring_sourcecorrection k
    JOIN accounts_contact c ON c.tenant_id = k.tenant_id AND c.account_id = k.account_id AND c.id = k.row_id
   WHERE {_OWN.format("k")} AND k.source = 'contact' AND k.field = 'role' AND c.erased_at IS NULL
     AND (k.old IN {_PARTS} OR k.new IN {_PARTS}) AND k.created_at >= %(back)s AND k.created_at < %(end)s
  UNION ALL
  (SELECT 'mention', m.row_id, coalesce(t.external_id, a.external_id, s.external_id, ''),
          coalesce(t.opened_at, a.occurred_at, s.responded_at, m.at),
          jsonb_build_object('name', c.name, 'in', m.kind, 'day', m.at::date)
     FROM scoring_competitormention m
     JOIN scoring_competitor c ON c.tenant_id = m.tenant_id AND c.id = m.competitor_id
     LEFT JOIN accounts_ticket t ON t.tenant_id = m.tenant_id AND t.id = m.row_id AND m.kind IN ('ticket', 'resolution')
     LEFT JOIN accounts_activity a ON a.tenant_id = m.tenant_id AND a.id = m.row_id AND m.kind = 'activity'
     LEFT JOIN accounts_survey s ON s.tenant_id = m.tenant_id AND s.id = m.row_id AND m.kind = 'survey'
    WHERE {_OWN.format("m")} AND c.is_active AND m.at >= %(back)s AND m.at < %(end)s
    ORDER BY m.at DESC, m.id DESC LIMIT {MENTIONS})
  UNION ALL
  (SELECT 'term', s.id, s.external_id, s.started_at, jsonb_build_object(
          'product', s.product, 'plan', s.plan, 'seats', s.seats, 'arr', s.arr::text, 'currency', s.currency,
          'renewal', s.renewal_date, 'list_arr', s.list_arr::text, 'auto', s.auto_renew, 'notice', s.notice_days,
          'cap', s.uplift_cap_pct, 'cancelled', CASE WHEN s.cancelled_at < %(end)s THEN s.cancelled_at::date END,
          'start', s.started_at::date)
     FROM accounts_subscription s
    WHERE {_OWN.format("s")} AND s.started_at < %(end)s
    ORDER BY s.started_at DESC, s.id DESC LIMIT {TERMS})
  UNION ALL
  (SELECT 'outcome', o.id, o.external_id, o.effective_at, jsonb_build_object(
          'kind', o.kind, 'before', o.arr_before::text, 'after', o.arr_after::text, 'currency', o.currency,
          'reason', o.reason)
     FROM accounts_outcome o
    WHERE {_OWN.format("o")} AND o.effective_at < %(end)s
    ORDER BY o.effective_at DESC, o.id DESC LIMIT {TERMS})
) found ORDER BY kind, at DESC, id DESC
"""

# What others with the same product use and this account does not. Others: customers of the day whose term of the
# product runs, whose use by feature is tracked, and whom the viewer may see. Of many those that were recorded after the
# account, then the first ones: a bounded walk over an index, which begins elsewhere for each account. Of too few
# nothing is said, or it would tell about each of them.
_OTHERS = """(
    SELECT DISTINCT s.account_id, {turn} AS turn
      FROM accounts_subscription s
      JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.customer_since < %(day)s
     WHERE s.tenant_id = %(tenant)s AND s.product = l.product AND s.account_id {side} %(account)s
       AND s.account_id IN ({{seen}}) AND s.started_at < %(end)s AND s.renewal_date >= %(day)s
       AND NOT EXISTS (SELECT 1 FROM accounts_outcome o WHERE o.tenant_id = s.tenant_id
                          AND o.account_id = s.account_id AND o.kind = 'churned' AND o.effective_at < %(end)s)
       AND EXISTS (SELECT 1 FROM accounts_usage_detail d WHERE d.tenant_id = s.tenant_id
                      AND d.account_id = s.account_id AND d.day >= %(since)s AND d.day < %(day)s)
     ORDER BY s.account_id LIMIT %(peers)s)"""
_WALK = " UNION ALL ".join(_OTHERS.format(turn=turn, side=side) for turn, side in enumerate("><"))
_FEATURES = f"""
WITH licensed AS (
    SELECT s.product, min(s.external_id) AS external_id
      FROM accounts_subscription s
     WHERE s.tenant_id = %(tenant)s AND s.account_id = %(account)s AND s.product <> ''
       AND s.started_at < %(end)s AND s.renewal_date >= %(day)s
       AND EXISTS (SELECT 1 FROM accounts_usage_detail d WHERE d.tenant_id = %(tenant)s AND d.account_id = %(account)s
                      AND d.day >= %(since)s AND d.day < %(day)s)
     GROUP BY s.product
), others AS (
    SELECT l.product, o.account_id, count(*) OVER (PARTITION BY l.product) AS n
      FROM licensed l CROSS JOIN LATERAL (
           SELECT account_id FROM ({_WALK}) walked ORDER BY turn, account_id LIMIT %(peers)s) o
), used AS (
    SELECT d.product, d.feature, o.n, count(DISTINCT d.account_id) AS customers
      FROM others o JOIN accounts_usage_detail d
           ON d.tenant_id = %(tenant)s AND d.account_id = o.account_id AND d.product = o.product
     WHERE d.day >= %(since)s AND d.day < %(day)s AND d.count > 0 AND o.n >= %(least)s
     GROUP BY d.product, d.feature, o.n
)
SELECT u.product, u.feature, u.customers, u.n, l.external_id
  FROM used u JOIN licensed l ON l.product = u.product
 WHERE NOT EXISTS (SELECT 1 FROM accounts_usage_detail d WHERE d.tenant_id = %(tenant)s AND d.account_id = %(account)s
                  AND d.day >= %(since)s AND d.day < %(day)s AND d.product = u.product AND d.feature = u.feature
                  AND d.count > 0)
 ORDER BY u.customers DESC, u.product, u.feature LIMIT 8
"""


@dataclass(frozen=True)
class Found:
    """One row of the statement."""

    kind: str
    id: int
    external_id: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Unused:
    """A feature that others with the same product used lately, and this account did not; `of` so many others."""

    product: str
    feature: str
    customers: int
    of: int
    term: str  # external id of the licence


@dataclass(frozen=True)
class Record:
    """What a sentence rests on: a name and where it can be seen."""

    label: str
    url: str


def records(tenant: Tenant, account: Account, *, day: date) -> dict[str, list[Found]]:
    """By kind, newest first; what was known before `day` began, as for the scores of that day."""
    import json

    with connection.cursor() as cursor:
        cursor.execute(_RECORDS, _values(tenant, account, day))
        rows = cursor.fetchall()
    found: dict[str, list[Found]] = {}
    for kind, number, external_id, at, data in rows:
        told = json.loads(data) if isinstance(data, str) else data
        found.setdefault(kind, []).append(Found(kind, number, external_id, at, told))
    return found


def unused(tenant: Tenant, viewer: Membership, account: Account, *, day: date) -> list[Unused]:
    """Features of the licensed products; nothing for an account whose use by feature is not tracked."""
    seen, seen_values = seen_sql(tenant, viewer)
    with connection.cursor() as cursor:
        cursor.execute(_FEATURES.replace("{seen}", seen), _values(tenant, account, day) | seen_values)
        return [Unused(*row) for row in cursor.fetchall()]


def _values(tenant: Tenant, account: Account, day: date) -> dict[str, Any]:
    end = datetime.combine(day, time(), UTC)
    return {
        "tenant": tenant.pk,
        "account": account.pk,
        "day": day,
        "end": end,
        "back": end - timedelta(days=BACK_DAYS),
        "since": day - timedelta(days=FEATURES_BACK_DAYS),
        "peers": PEERS,
        "least": LEAST_PEERS,
    }


def page_of(tenant: Tenant, account: Account) -> str:
    return reverse("accounts:account", args=[tenant.slug, account.pk])


def record_of(tenant: Tenant, account: Account, found: Found) -> Record:
    """The timeline from this row on, so that it is the first one shown; terms are in the contract's panel."""
    page = page_of(tenant, account)
    if found.kind == "role":  # a correction has no line on the timeline
        return Record(f"person {found.external_id}", f"{page}?panels=all#panel-people")
    if found.kind == "term":
        return Record(f"term {found.external_id}", f"{page}?panels=all#panel-contract")
    line, group = (
        MENTIONED_IN[found.data["in"]] if found.kind == "mention" else (found.kind, LINES[found.kind])
    )
    just_after = found.at + timedelta(microseconds=1)
    query = urlencode({"kind": group, "before": f"{just_after.isoformat()}~{line}~{found.id}"})
    name = {"departed": "person", "joined": "person", "changed": "person"}.get(line, line)
    return Record(f"{name} {found.external_id}".strip(), f"{page}?{query}#evidence-{line}-{found.id}")
