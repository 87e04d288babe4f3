"""Writes about rejected rows: mended, discarded, put back, brought in again, and what became of them."""

from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils import timezone

from audit import services as audit
from integrations.exceptions import NotPossible, StaleVersion
from integrations.models import BundleImport, QuarantinedRow
from integrations.queries import imports as imports_queries
from integrations.queries import quarantine as queries
from integrations.queries.quarantine import Chosen
from integrations.services import imports
from tenants.access import Actor
from tenants.models import Tenant

if TYPE_CHECKING:
    from integrations.importing.report import FileReport

State = QuarantinedRow.State
LONGEST_REASON = 500


@transaction.atomic
def mend(
    tenant: Tenant, *, bundle_id: int, row_id: int, version: int, cells: dict[str, str], by: Actor
) -> QuarantinedRow:
    """Keep the row as a person wants it. Whether it fits was asked before, and is asked again when it comes in."""
    row = _row(tenant, bundle_id, row_id, version)
    if row.state not in queries.UNSETTLED:
        raise NotPossible(f"This row is {row.get_state_display().lower()}; there is nothing to mend.")
    before = row.mended or row.row
    row.mended, row.state = cells, State.MENDED
    _save(row, by, "")
    changed = sorted(name for name in {*before, *cells} if before.get(name, "") != cells.get(name, ""))
    _record(tenant, row, "integrations.row_mended", by, {"columns": changed})
    return row


@transaction.atomic
def discard(
    tenant: Tenant, *, bundle_id: int, row_id: int, version: int, reason: str, by: Actor
) -> QuarantinedRow:
    """It shall not land. Kept all the same, so that it can be put back."""
    row = _row(tenant, bundle_id, row_id, version)
    if row.state not in queries.UNSETTLED:
        raise NotPossible(f"This row is {row.get_state_display().lower()} already.")
    row.state = State.DISCARDED
    _save(row, by, reason[:LONGEST_REASON])
    _record(tenant, row, "integrations.row_discarded", by, {"reason": row.resolution})
    return row


@transaction.atomic
def put_back(tenant: Tenant, *, bundle_id: int, row_id: int, version: int, by: Actor) -> QuarantinedRow:
    """The way back from `discard`."""
    row = _row(tenant, bundle_id, row_id, version)
    if row.state != State.DISCARDED or row.bundle.dry_run:
        raise NotPossible("Only a discarded row can be put back.")
    row.state = State.OPEN if row.mended is None else State.MENDED
    _save(row, by, "")
    _record(tenant, row, "integrations.row_put_back", by, {})
    return row


@transaction.atomic
def discard_all(tenant: Tenant, *, bundle_id: int, chosen: Chosen, reason: str, by: Actor) -> int:
    """All that the filters show and that is not settled; returns how many."""
    found = queries.rows(tenant, bundle_id=bundle_id, chosen=chosen)
    free = found.exclude(pk__in=found.filter(queries.held()).values("pk"))
    count = _move(free.filter(state__in=queries.UNSETTLED), State.DISCARDED, reason[:LONGEST_REASON], by)
    if count:
        after = {"rows": count, "reason": reason[:LONGEST_REASON], **chosen.as_dict}
        _record_bundle(tenant, bundle_id, "integrations.rows_discarded", by, after)
    return count


@transaction.atomic
def put_all_back(tenant: Tenant, *, bundle_id: int, chosen: Chosen, by: Actor) -> int:
    """All discarded rows that the filters show; those of a trial run stay, they were never to land."""
    found = queries.rows(tenant, bundle_id=bundle_id, chosen=chosen).filter(
        state=State.DISCARDED, bundle__dry_run=False
    )
    count = _move(found.filter(mended__isnull=True), State.OPEN, "", by)
    count += _move(found.filter(mended__isnull=False), State.MENDED, "", by)
    if count:
        after = {"rows": count, **chosen.as_dict}
        _record_bundle(tenant, bundle_id, "integrations.rows_put_back", by, after)
    return count


# --- in again -----------------------------------------------------------------------------------


@transaction.atomic
def retry_row(tenant: Tenant, *, bundle_id: int, row_id: int, by: Actor) -> BundleImport:
    """Bring one row in again, through an import of its own."""
    imports_queries.bundle_for_update(tenant, bundle_id=bundle_id)
    row = queries.row_for_update(tenant, bundle_id=bundle_id, row_id=row_id)
    found = queries.may_return(tenant, bundle_id=bundle_id).filter(pk=row.pk)
    retry = _claim(tenant, bundle_id, found, by)
    if retry is None:
        raise NotPossible(why_not(tenant, row))
    return retry


@transaction.atomic
def retry_all(tenant: Tenant, *, bundle_id: int, chosen: Chosen, by: Actor) -> BundleImport | None:
    """Bring in again what the filters show; None when nothing can be. Two at once: each row goes with one of them."""
    imports_queries.bundle_for_update(tenant, bundle_id=bundle_id)
    return _claim(tenant, bundle_id, queries.may_return(tenant, bundle_id=bundle_id, chosen=chosen), by)


@transaction.atomic
def retry_file(tenant: Tenant, *, bundle_id: int, by: Actor) -> BundleImport:
    """Read the stopped files of a kept upload once more, with the mended rows in the place of those that were sent."""
    bundle = imports_queries.bundle_for_update(tenant, bundle_id=bundle_id)
    if queries.is_under_way(queries.newest_retry(tenant, bundle_id=bundle_id)):
        raise NotPossible("An import of mended rows is under way. Wait until it has ended.")
    retry = imports.start_import(
        tenant, file_name=f"Mended: {bundle.file_name}", path=bundle.path, size_bytes=bundle.size_bytes,
        dry_run=False, retry_of=bundle, by=by,
    )  # fmt: skip
    queries.rows(tenant, bundle_id=bundle_id).filter(
        file__in=queries.stopped_files(tenant, bundle_id=bundle_id), state__in=queries.UNSETTLED
    ).update(retry=retry)
    return retry


def why_not(tenant: Tenant, row: QuarantinedRow) -> str:
    """Why a row cannot be brought in alone, in words."""
    if row.state not in queries.UNSETTLED:
        return f"This row is {row.get_state_display().lower()} already."
    if row.file not in queries.landed_files(tenant, bundle_id=row.bundle_id):
        return f"Nothing of {row.file} landed, so the file has to come in whole."
    if row.state == State.OPEN and not row.column:
        return "Mend the row first: nobody knows which of its cells is which."
    return "The row is on its way already."


def _claim(tenant: Tenant, bundle_id: int, found: Any, by: Actor) -> BundleImport | None:
    """Under the lock of the bundle, so that two people who ask at once share the rows out."""
    if not found.exists():
        return None
    bundle = imports_queries.bundle_for_update(tenant, bundle_id=bundle_id)
    retry = imports.start_import(
        tenant, file_name=f"Mended: {bundle.file_name}", path="", size_bytes=0, dry_run=False, retry_of=bundle, by=by,
    )  # fmt: skip
    found.order_by().update(retry=retry)
    return retry


# --- what became of them ------------------------------------------------------------------------

_LANDED = """
UPDATE integrations_quarantinedrow q
   SET state = 'retried', version = version + 1, resolved_at = now(), resolved_by_label = %(by)s,
       resolution = %(words)s, retry_id = %(bundle)s
  FROM import_mended m
 WHERE q.tenant_id = %(tenant)s AND q.id = m.id AND q.file = %(file)s AND q.state <> 'retried'
   AND q.bundle_id IN (SELECT id FROM integrations_bundleimport WHERE NOT dry_run)
   AND NOT EXISTS (SELECT FROM import_rejects r WHERE r.line = m.line)
"""
# The row as it came now is the mended one; it leaves the rejects, so that it is not set aside a second time.
_REJECTED = """
WITH again AS (
    UPDATE integrations_quarantinedrow q
       SET state = 'open', version = version + 1, "column" = r."column", value = r.value, reason = r.reason,
           mended = r."row"::jsonb - %(notes)s::text[], resolved_at = NULL, resolved_by_label = '', resolution = ''
      FROM import_mended m JOIN import_rejects r USING (line)
     WHERE q.tenant_id = %(tenant)s AND q.id = m.id AND q.file = %(file)s AND q.state <> 'retried'
   AND q.bundle_id IN (SELECT id FROM integrations_bundleimport WHERE NOT dry_run)
    RETURNING m.line
)
DELETE FROM import_rejects r USING again WHERE r.line = again.line
"""


def settle_staged(
    tenant: Tenant, *, bundle_id: int, report: "FileReport", notes: tuple[str, ...], by: Actor
) -> None:
    """In the transaction that lands a file with rows out of the quarantine: each follows what became of it."""
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "bundle": bundle_id,
        "file": report.file,
        "by": by.label[:300],
        "words": f"Landed with import {bundle_id}.",
        "notes": list(notes),
    }
    with connection.cursor() as cursor:
        if report.status == "landed":
            cursor.execute(_LANDED, values)
        cursor.execute(_REJECTED, values)


# --- parts --------------------------------------------------------------------------------------


def _row(tenant: Tenant, bundle_id: int, row_id: int, version: int) -> QuarantinedRow:
    """Locked, as the person saw it, and not on its way."""
    row = queries.row_for_update(tenant, bundle_id=bundle_id, row_id=row_id)
    if row.version != version:
        raise StaleVersion
    if queries.is_under_way(row.retry):
        raise NotPossible("The row is on its way. Wait until that import has ended.")
    return row


def _save(row: QuarantinedRow, by: Actor, resolution: str) -> None:
    row.version += 1
    row.resolution = resolution
    row.resolved_by_label = by.label[:300] if row.state == State.DISCARDED else ""
    row.resolved_at = timezone.now() if row.state == State.DISCARDED else None
    row.save()


def _move(found: Any, state: str, resolution: str, by: Actor) -> int:
    gone = state == State.DISCARDED
    return int(
        found.order_by().update(
            state=state,
            version=queries.NEXT_VERSION,
            resolution=resolution,
            resolved_by_label=by.label[:300] if gone else "",
            resolved_at=timezone.now() if gone else None,
        )
    )


def _record(tenant: Tenant, row: QuarantinedRow, verb: str, by: Actor, after: dict[str, Any]) -> None:
    """Which columns, never what stood in them: the row itself keeps that."""
    audit.record(
        tenant, verb=verb, by=by, subject=row, object_label=f"{row.file}, line {row.line}",
        after={"import": row.bundle_id, **after},
    )  # fmt: skip


def _record_bundle(tenant: Tenant, bundle_id: int, verb: str, by: Actor, after: dict[str, Any]) -> None:
    bundle = imports_queries.bundle_for_update(tenant, bundle_id=bundle_id)
    audit.record(tenant, verb=verb, by=by, subject=bundle, object_label=bundle.file_name, after=after)
