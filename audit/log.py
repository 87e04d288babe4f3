"""Reading the log in its own order: (epoch, xid, id), and only what can no longer change (DECISIONS 4, ADR 0004).

A transaction that commits late has an older xid than events already read. So nothing is read whose xid is not below
the oldest one still open; what is settled and committed by then stays the same for ever. Rows of an earlier epoch
came out of a backup, where nothing is open any more.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from audit.events import Event, Key
from tenants.models import Tenant

Row = tuple[Any, ...]
SETTLED = "(epoch < audit_epoch() OR xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
_OURS = "xid = pg_current_xact_id_if_assigned()::text::bigint"
_AFTER = "tenant_id = %s AND (epoch, xid, id) > (%s, %s, %s)"
COLUMNS = (
    "epoch, xid, id, at, verb, actor_kind, actor_id, actor_label, object_type, object_id, object_label, "
    "account_id, decision_ref, diff::text, request_id"
)


def settled_after(tenant: Tenant, *, after: Key, limit: int) -> list[Row]:
    """Rows of COLUMNS, in order, that stand after this key and can no longer change."""
    return _rows(COLUMNS, f"{_AFTER} AND {settled()}", [tenant.pk, *after], limit)


def verbs_after(tenant: Tenant, *, after: Key, limit: int) -> list[Row]:
    """The same, of each only its key and its verb."""
    return _rows("epoch, xid, id, verb", f"{_AFTER} AND {settled()}", [tenant.pk, *after], limit)


def has_settled_after(tenant: Tenant, *, after: Key) -> bool:
    return bool(_rows("epoch, xid, id", f"{_AFTER} AND {settled()}", [tenant.pk, *after], 1))


def of_verbs(tenant: Tenant, *, verbs: Sequence[str], after: Key, upto: Key) -> list[Row]:
    """Rows of COLUMNS, in order, of these verbs alone. The caller knows from `verbs_after` that `upto` is settled."""
    where = f"{_AFTER} AND (epoch, xid, id) <= (%s, %s, %s) AND verb = ANY(%s)"
    return _rows(COLUMNS, where, [tenant.pk, *after, *upto, list(verbs)], None)


def between(tenant: Tenant, *, after: Key, upto: Key, limit: int) -> list[Row]:
    """Rows of COLUMNS, in order, after one key up to and with another."""
    return _rows(COLUMNS, f"{_AFTER} AND (epoch, xid, id) <= (%s, %s, %s)", [tenant.pk, *after, *upto], limit)


def event_of(row: Row) -> Event:
    values: list[Any] = [key_of(row), *row[3:]]
    values[-2] = json.loads(values[-2])  # the column "diff", read as text so that seals hash what is stored
    return Event(*values)


def key_of(row: Row) -> Key:
    return row[0], row[1], row[2]


def settled() -> str:
    """The condition. Inside a test case's transaction, which never ends, its own events count as settled too."""
    return f"({SETTLED} OR {_OURS})" if in_test_case() else SETTLED


def in_test_case() -> bool:
    """Whether Django's TestCase holds the outermost transaction, by the mark that Django itself goes by."""
    blocks = connection.atomic_blocks
    return bool(blocks) and bool(getattr(blocks[0], "_from_testcase", False))


def _rows(columns: str, where: str, values: list[Any], limit: int | None) -> list[Row]:
    """All text here is our own; values come apart. Ordered, so that the index is walked and left early."""
    statement = f"SELECT {columns} FROM audit_event WHERE {where} ORDER BY epoch, xid, id LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, limit])
        return list(cursor.fetchall())
