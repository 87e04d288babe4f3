"""Reading the log in its own order: (epoch, xid, id), and only what can no longer change (DECISIONS 4, ADR 0004).

A transaction that commits late has an older xid than events already read. So nothing is read whose xid is not below
the oldest one still open; what is settled and committed by then stays the same for ever. Rows of an earlier epoch
came out of a backup, where nothing is open any more.
"""

import json
from typing import Any

from django.db import connection

from audit.events import Event, Key
from tenants.models import Tenant

SETTLED = "(epoch < audit_epoch() OR xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
_OURS = "xid = pg_current_xact_id_if_assigned()::text::bigint"
COLUMNS = (
    "epoch, xid, id, at, verb, actor_kind, actor_id, actor_label, object_type, object_id, object_label, "
    "account_id, decision_ref, diff::text, request_id"
)


def settled_after(tenant: Tenant, *, after: Key, limit: int) -> list[tuple[Any, ...]]:
    """Rows of COLUMNS, in order, that stand after this key and can no longer change."""
    return _rows(
        f"tenant_id = %s AND (epoch, xid, id) > (%s, %s, %s) AND {settled()}", [tenant.pk, *after], limit
    )


def between(tenant: Tenant, *, after: Key, upto: Key, limit: int) -> list[tuple[Any, ...]]:
    """Rows of COLUMNS, in order, after one key up to and with another."""
    where = "tenant_id = %s AND (epoch, xid, id) > (%s, %s, %s) AND (epoch, xid, id) <= (%s, %s, %s)"
    return _rows(where, [tenant.pk, *after, *upto], limit)


def has_settled_after(tenant: Tenant, *, after: Key) -> bool:
    where = f"tenant_id = %s AND (epoch, xid, id) > (%s, %s, %s) AND {settled()}"
    with connection.cursor() as cursor:
        # ordered, so that the index is walked from the cursor on and stops at the first row
        cursor.execute(
            f"SELECT 1 FROM audit_event WHERE {where} ORDER BY epoch, xid, id LIMIT 1",  # noqa: S608  our own text
            [tenant.pk, *after],
        )
        return cursor.fetchone() is not None


def event_of(row: tuple[Any, ...]) -> Event:
    values: list[Any] = [key_of(row), *row[3:]]
    values[-2] = json.loads(values[-2])  # the column "diff", read as text so that seals hash what is stored
    return Event(*values)


def key_of(row: tuple[Any, ...]) -> Key:
    return row[0], row[1], row[2]


def settled() -> str:
    """The condition. Inside a test case's transaction, which never ends, its own events count as settled too."""
    return f"({SETTLED} OR {_OURS})" if in_test_case() else SETTLED


def in_test_case() -> bool:
    """Whether Django's TestCase holds the outermost transaction, by the mark that Django itself goes by."""
    blocks = connection.atomic_blocks
    return bool(blocks) and bool(getattr(blocks[0], "_from_testcase", False))


def _rows(where: str, values: list[Any], limit: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM audit_event WHERE {where} ORDER BY epoch, xid, id LIMIT %s",  # noqa: S608
            [*values, limit],
        )
        return list(cursor.fetchall())
