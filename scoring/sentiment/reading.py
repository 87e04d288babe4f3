"""Reads every text that has not been read, in blocks: what is new, word list, one INSERT a block. Only jobs call it.

What counts as the customer's: the words of a ticket, comments of surveys, mails and the like that came in, and what was
written down of calls and meetings. A row that was changed since is read again.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from scoring.sentiment import VERSION
from scoring.sentiment.competitors import find_competitors
from scoring.sentiment.lexicon import sound
from tenants import statistics
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

BLOCK = 2_000  # texts that are read in one transaction
PAGE = 20_000  # texts that are looked through at once for what was not read
SAID_IN_MEETINGS = "('call', 'meeting', 'qbr', 'training', 'planning_session', 'advisory_council')"
# who said it: the customer wrote, or both spoke
INBOUND = (
    "t.kind <> 'note' AND (t.direction = 'inbound' "
    f"OR (t.kind IN {SAID_IN_MEETINGS} AND t.direction <> 'outbound'))"
)

# Three steps by index, not one join: right after an import the planner knows nothing of either table, takes the
# readings for a handful of rows and goes through all of them for every text.
_TEXTS = """
SELECT t.id, t.recorded_at FROM {table} t
WHERE t.tenant_id = %(tenant)s AND t.id > %(after)s AND {which}
ORDER BY t.id
LIMIT %(page)s
"""
_READ = """
SELECT r.row_id, r.recorded_at FROM scoring_textreading r
WHERE r.tenant_id = %(tenant)s AND r.kind = %(kind)s AND r.version = %(version)s
  AND r.row_id BETWEEN %(first)s AND %(last)s
"""
_WORDS = """
SELECT t.id, t.account_id, t.recorded_at, {text} FROM {table} t
WHERE t.tenant_id = %(tenant)s AND t.id = ANY(%(ids)s)
"""
# kind: table, the text, which rows have one of the customer's
_SOURCES = {
    "ticket": (
        "accounts_ticket",
        "concat_ws(E'\\n', nullif(t.subject, ''), nullif(t.body, ''))",
        "(t.subject <> '' OR t.body <> '')",
    ),
    "activity": ("accounts_activity", "t.body", f"t.body <> '' AND {INBOUND}"),
    "survey": ("accounts_survey", "t.comment", "t.comment <> ''"),
}
TEXTS = {kind: _TEXTS.format(table=table, which=which) for kind, (table, _, which) in _SOURCES.items()}
WORDS = {kind: _WORDS.format(table=table, text=text) for kind, (table, text, _) in _SOURCES.items()}
KEEP = """
INSERT INTO scoring_textreading (tenant_id, account_id, kind, row_id, version, compound, confidence, recorded_at)
SELECT %(tenant)s, account_id, %(kind)s, row_id, %(version)s, compound, confidence, recorded_at
FROM unnest(%(accounts)s::bigint[], %(rows)s::bigint[], %(recorded)s::timestamptz[], %(compounds)s::smallint[],
            %(confidences)s::smallint[]) AS read (account_id, row_id, recorded_at, compound, confidence)
ON CONFLICT (tenant_id, kind, row_id, version) DO UPDATE
SET compound = excluded.compound, confidence = excluded.confidence, recorded_at = excluded.recorded_at
"""


def read_new(tenant: Tenant, *, progress: Callable[[int], None] | None = None) -> None:
    """All that scoring wants of texts: how they sound, and the competitors they name."""
    read_texts(tenant, progress=progress)
    find_competitors(tenant)


def read_texts(tenant: Tenant, *, progress: Callable[[int], None] | None = None) -> int:
    """Read what is new; how many texts that were. Opens one short transaction a block: call it outside of one."""
    total = 0
    for kind in _SOURCES:
        for ids in _unread(tenant, kind):
            with tenant_transaction(tenant.pk):
                total += _read_block(tenant, kind, ids)
            if progress is not None:
                progress(total)
    if total:
        statistics.refresh("scoring_textreading")
    return total


def _unread(tenant: Tenant, kind: str) -> Iterator[list[int]]:
    """Ids of texts that were not read as they stand, up to BLOCK at a time, from small to large."""
    after, size = 0, PAGE
    while size == PAGE:
        with tenant_transaction(tenant.pk):
            texts, unread = _page(tenant, kind, after)
        yield from (unread[first : first + BLOCK] for first in range(0, len(unread), BLOCK))
        after, size = max(texts, default=after), len(texts)


def _page(tenant: Tenant, kind: str, after: int) -> tuple[list[int], list[int]]:
    """The ids of up to PAGE texts with larger ids, and of those among them that want reading."""
    values: dict[str, Any] = {"tenant": tenant.pk, "kind": kind, "version": VERSION}
    with connection.cursor() as cursor:
        cursor.execute(TEXTS[kind], values | {"after": after, "page": PAGE})
        found = cursor.fetchall()
        if not found:
            return [], []
        cursor.execute(_READ, values | {"first": found[0][0], "last": found[-1][0]})
        read = dict(cursor.fetchall())
    return [row for row, _ in found], [row for row, recorded in found if read.get(row) != recorded]


def _read_block(tenant: Tenant, kind: str, ids: list[int]) -> int:
    """Reads these texts and keeps how they sound; how many there still were."""
    with connection.cursor() as cursor:
        cursor.execute(WORDS[kind], {"tenant": tenant.pk, "ids": ids})
        found = cursor.fetchall()
        sounds = [sound(text) for *_, text in found]
        kept: dict[str, Any] = {
            "tenant": tenant.pk,
            "kind": kind,
            "version": VERSION,
            "accounts": [account for _, account, _, _ in found],
            "rows": [row for row, _, _, _ in found],
            "recorded": [recorded for _, _, recorded, _ in found],
            "compounds": [each.compound for each in sounds],
            "confidences": [each.confidence for each in sounds],
        }
        cursor.execute(KEEP, kept)
    return len(found)
