"""Finds competitors' names in texts: whole words, in SQL, once a text and name. Only jobs call it.

Looked through: tickets with their resolution, surveys' comments, and activities but for mails that we wrote ourselves.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from scoring.sentiment.models import Competitor, CompetitorMention
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

ACCOUNTS = 5_000  # a statement
# a text may become visible after the moment that it was stamped with: no write here takes that long
MARGIN = timedelta(hours=1)
# letters, digits and _ on neither side; every other sign of the name is taken as it is
_PATTERN = (
    r"'(?<![[:alnum:]_])' || regexp_replace(c.name, '([^[:alnum:][:space:]])', '\\\1', 'g') "
    r"|| '(?![[:alnum:]_])'"
)
_SOURCES = {
    # kind: table, text, when it became known, which rows
    "ticket": ("accounts_ticket", "t.subject || E'\\n' || t.body", "t.opened_at", "true"),
    "resolution": ("accounts_ticket", "t.resolution", "t.closed_at", "t.closed_at IS NOT NULL"),
    "activity": (
        "accounts_activity",
        "t.subject || E'\\n' || t.body",
        "t.occurred_at",
        "NOT (t.kind = 'email' AND t.direction = 'outbound')",
    ),
    "survey": ("accounts_survey", "t.comment", "t.responded_at", "true"),
}
_CHANGED = (
    "t.tenant_id = %(tenant)s AND t.account_id BETWEEN %(first)s AND %(last)s "
    "AND c.tenant_id = t.tenant_id AND c.is_active "
    "AND (c.searched_to IS NULL OR t.recorded_at > c.searched_to)"
)
# What a name was found in and has changed since. Looked up text by text, of the few mentions: joined, the planner goes
# through every text for each of them while it knows nothing of the tables, as right after an import.
FORGET = {
    kind: f"DELETE FROM scoring_competitormention m USING scoring_competitor c "  # noqa: S608
    f"WHERE m.tenant_id = %(tenant)s AND m.kind = '{kind}' AND m.account_id BETWEEN %(first)s AND %(last)s "
    f"AND c.tenant_id = m.tenant_id AND c.id = m.competitor_id AND c.is_active AND (c.searched_to IS NULL "
    f"OR (SELECT t.recorded_at FROM {table} t WHERE t.tenant_id = m.tenant_id AND t.id = m.row_id) > c.searched_to)"
    for kind, (table, _, _, _) in _SOURCES.items()
}
FIND = {
    kind: f"INSERT INTO scoring_competitormention (tenant_id, account_id, competitor_id, kind, row_id, at) "  # noqa: S608
    f"SELECT t.tenant_id, t.account_id, c.id, '{kind}', t.id, {at} FROM {table} t, scoring_competitor c "
    f"WHERE {_CHANGED} AND {which} AND {text} ~* ({_PATTERN}) "
    "ON CONFLICT (tenant_id, competitor_id, kind, row_id) DO UPDATE SET at = excluded.at"
    for kind, (table, text, at, which) in _SOURCES.items()
}
BLOCKS = """
SELECT min(id), max(id) FROM (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS block FROM accounts_account WHERE tenant_id = %s) AS each
GROUP BY block ORDER BY block
"""


def find_competitors(tenant: Tenant) -> int:
    """Look for every active name in texts that it was not looked for in; how many mentions were written."""
    with tenant_transaction(tenant.pk):
        names = dict(Competitor.objects.for_tenant(tenant).filter(is_active=True).values_list("pk", "name"))
        with connection.cursor() as cursor:
            cursor.execute(BLOCKS, [ACCOUNTS, tenant.pk])
            blocks = cursor.fetchall() if names else []
        begun = timezone.now()
    found = sum(_find(tenant, first, last) for first, last in blocks)
    with tenant_transaction(tenant.pk):
        for key, name in names.items():  # a name that was changed meanwhile is looked for anew
            searched = Competitor.objects.for_tenant(tenant).filter(pk=key, name=name)
            searched.update(searched_to=begun - MARGIN)
    return found


def forget_mentions(tenant: Tenant, competitor: Competitor) -> None:
    """Drop what was found under the name so far, so that all texts are searched again. Saves nothing of the row."""
    CompetitorMention.objects.for_tenant(tenant).filter(competitor=competitor).delete()
    competitor.searched_to = None


def _find(tenant: Tenant, first: int, last: int) -> int:
    values = {"tenant": tenant.pk, "first": first, "last": last}
    found = 0
    for kind in _SOURCES:
        with tenant_transaction(tenant.pk), connection.cursor() as cursor:
            cursor.execute(FORGET[kind], values)
            cursor.execute(FIND[kind], values)
            found += cursor.rowcount
    return found
