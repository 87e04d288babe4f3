"""Reads every text that has not been read, in blocks: SELECT, word list, one INSERT a block. Only jobs call it.

What counts as the customer's: the words of a ticket, comments of surveys, mails and the like that came in, and what was
written down of calls and meetings. A row that was changed since is read again.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection

from scoring.sentiment import VERSION
from scoring.sentiment.competitors import find_competitors
from scoring.sentiment.lexicon import sound
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

BLOCK = 2_000
SAID_IN_MEETINGS = "('call', 'meeting', 'qbr', 'training', 'planning_session', 'advisory_council')"
# who said it: the customer wrote, or both spoke
INBOUND = (
    "t.kind <> 'note' AND (t.direction = 'inbound' "
    f"OR (t.kind IN {SAID_IN_MEETINGS} AND t.direction <> 'outbound'))"
)

_UNREAD = """
SELECT t.id, t.account_id, t.recorded_at, {text} AS words
FROM {table} t
LEFT JOIN scoring_textreading r
       ON r.tenant_id = t.tenant_id AND r.kind = '{kind}' AND r.row_id = t.id AND r.version = %(version)s
WHERE t.tenant_id = %(tenant)s AND t.id > %(after)s AND {which} AND (r.id IS NULL OR r.recorded_at <> t.recorded_at)
ORDER BY t.id
LIMIT %(block)s
"""
_SUBJECT_AND_BODY = "concat_ws(E'\\n', nullif(t.subject, ''), nullif(t.body, ''))"
UNREAD = {
    "ticket": _UNREAD.format(
        kind="ticket",
        table="accounts_ticket",
        text=_SUBJECT_AND_BODY,
        which="(t.subject <> '' OR t.body <> '')",
    ),
    "activity": _UNREAD.format(
        kind="activity", table="accounts_activity", text="t.body", which=f"t.body <> '' AND {INBOUND}"
    ),
    "survey": _UNREAD.format(
        kind="survey", table="accounts_survey", text="t.comment", which="t.comment <> ''"
    ),
}
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
    for kind in UNREAD:
        after = 0
        while True:
            with tenant_transaction(tenant.pk):
                size, after = _read_block(tenant, kind, after)
            total += size
            if progress is not None and size:
                progress(total)
            if size < BLOCK:
                break
    return total


def _read_block(tenant: Tenant, kind: str, after: int) -> tuple[int, int]:
    """Reads up to BLOCK texts with larger ids; how many, and the last id."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": tenant.pk, "version": VERSION, "after": after, "block": BLOCK}
        cursor.execute(UNREAD[kind], values)
        found = cursor.fetchall()
        if not found:
            return 0, after
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
    return len(found), found[-1][0]
