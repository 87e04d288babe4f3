"""Sealing what can no longer change, minute by minute, so that a later change shows (PLATFORM 6, ADR 0004)."""

import json
import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit import log, merkle, queries
from audit.events import ORIGIN, Key
from audit.models import AuditSeal
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

logger = logging.getLogger("holdfast.audit")

EVENTS_A_SEAL = 5000
_LOCK_CLASS = 7312


def run(tenant: Tenant, progress: Any) -> dict[str, int]:
    """The job: seal until nothing settled is left, each seal in its own transaction."""
    sealed = 0
    while (seal := seal_next(tenant)) is not None:
        sealed += seal.event_count
        progress(sealed)
        if seal.event_count < EVENTS_A_SEAL:
            break
    return {"events": sealed}


def seal_next(tenant: Tenant) -> AuditSeal | None:
    """One seal over the next settled events, at most 5,000; None when there are none.

    Killed at any point it leaves nothing: reading, hashing and the row are one transaction. Two at once wait for each
    other, and (tenant, seq) is unique should that ever fail.
    """
    with tenant_transaction(tenant.pk):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, tenant.pk & 0x7FFFFFFF])
        last = queries.newest_seal(tenant)
        rows = log.settled_after(tenant, after=last_key(last), limit=EVENTS_A_SEAL)
        if not rows:
            return None
        return _write(tenant, last, rows)


def _write(tenant: Tenant, last: AuditSeal | None, rows: list[tuple[Any, ...]]) -> AuditSeal:
    previous = last.seal_hash if last else merkle.NOTHING_BEFORE
    root = merkle.root([leaf_of(tenant, row) for row in rows])
    first, newest = log.key_of(rows[0]), log.key_of(rows[-1])
    return AuditSeal.objects.create(
        tenant=tenant,
        seq=last.seq + 1 if last else 1,
        first_key=list(first),
        last_key=list(newest),
        event_count=len(rows),
        merkle_root=root,
        previous_hash=previous,
        seal_hash=merkle.seal_hash(previous, root, len(rows), newest),
    )


def leaf_of(tenant: Tenant, row: tuple[Any, ...]) -> bytes:
    """Every column takes part, in the order of log.COLUMNS, the tenant first."""
    return merkle.leaf((tenant.pk, *row))


def last_key(seal: AuditSeal | None) -> Key:
    return ORIGIN if seal is None else (seal.last_key[0], seal.last_key[1], seal.last_key[2])


def has_unsealed(tenant: Tenant) -> bool:
    return log.has_settled_after(tenant, after=last_key(queries.newest_seal(tenant)))


def anchors_file() -> Path:
    return Path(settings.HOLDFAST_VAR) / "audit-anchors.jsonl"


def write_anchor(tenant: Tenant, progress: Any) -> dict[str, Any] | None:
    """The day's newest seal, written outside the database: one line in a file, one in the log.

    Whoever owns the database can rewrite events and seals alike; he cannot rewrite what was copied elsewhere.
    """
    seal = queries.newest_seal(tenant)
    if seal is None:
        return None
    line = {
        "tenant": tenant.slug,
        "seq": seal.seq,
        "seal_hash": seal.seal_hash,
        "last_key": seal.last_key,
        "written_at": timezone.now().isoformat(timespec="seconds"),
    }
    text = json.dumps(line)
    _append(anchors_file(), text)
    logger.info("audit anchor %s", text)
    return line


def _append(path: Path, text: str) -> None:
    """One write to a file opened for appending: lines of two workers do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{text}\n".encode())
    finally:
        os.close(handle)
