"""Writes about imports: the bundle handed in, the report on each file, the rows set aside."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from audit import services as audit
from integrations.models import BundleFile, BundleImport, QuarantinedRow
from integrations.queries import imports as queries
from jobs import services as jobs
from tenants.access import Actor
from tenants.models import Tenant

if TYPE_CHECKING:
    from integrations.importing.report import FileReport

JOB = "integrations.import_bundle"


@transaction.atomic
def start_import(
    tenant: Tenant,
    *,
    file_name: str,
    path: str,
    size_bytes: int,
    dry_run: bool,
    by: Actor,
    retry_of: BundleImport | None = None,
) -> BundleImport:
    """An uploaded bundle, or rows of an earlier one: its row, and the job that brings it in."""
    bundle = _new_bundle(tenant, file_name, path, size_bytes, dry_run, by)
    bundle.retry_of = retry_of
    _ring(bundle, by)
    return bundle


@transaction.atomic
def open_import(
    tenant: Tenant, *, file_name: str, path: str, by: Actor, dry_run: bool = False
) -> BundleImport:
    """A bundle that a command brings in by itself."""
    bundle = _new_bundle(tenant, file_name, path, 0, dry_run, by)
    bundle.state = BundleImport.State.RUNNING
    bundle.save(update_fields=["state"])
    return bundle


def _new_bundle(
    tenant: Tenant, file_name: str, path: str, size_bytes: int, dry_run: bool, by: Actor
) -> BundleImport:
    bundle = BundleImport.objects.create(
        tenant=tenant,
        file_name=file_name[:300],
        path=path,
        size_bytes=size_bytes,
        dry_run=dry_run,
        started_by_label=by.label[:300],
    )
    audit.record(
        tenant, verb="integrations.import_started", by=by, subject=bundle,
        object_label=bundle.file_name, after={"dry_run": dry_run},
    )  # fmt: skip
    return bundle


@transaction.atomic
def go_on(tenant: Tenant, *, bundle_id: int, by: Actor, not_before: datetime | None = None) -> BundleImport:
    """The next job for a bundle whose last one used up its time, or found another import at work."""
    bundle = queries.bundle_for_update(tenant, bundle_id=bundle_id)
    _ring(bundle, by, not_before, is_new_work=False)
    return bundle


def _ring(
    bundle: BundleImport, by: Actor, not_before: datetime | None = None, *, is_new_work: bool = True
) -> None:
    bundle.job = jobs.enqueue(
        bundle.tenant,
        kind=JOB,
        args={"bundle_id": bundle.pk},
        by=by,
        not_before=not_before,
        is_new_work=is_new_work,
    )
    bundle.save(update_fields=["job", "retry_of"])


@transaction.atomic
def stop_import(tenant: Tenant, *, bundle_id: int, by: Actor) -> bool:
    """Have the job stop at its next step; False when there is nothing to stop. What landed before stays."""
    bundle = queries.bundle_for_update(tenant, bundle_id=bundle_id)
    if bundle.finished_at is not None or bundle.job is None:
        return False
    if not bundle.job.is_finished:
        jobs.cancel(tenant, job_id=bundle.job.pk, by=by)
    break_off(tenant, bundle_id=bundle_id, why=f"Stopped by {by.label}. What landed before stays.", by=by)
    return True


@transaction.atomic
def record_download(tenant: Tenant, *, bundle_id: int, file: str, by: Actor) -> None:
    """Rejected rows hold customers' data: who took them away is kept."""
    audit.record(
        tenant,
        verb="integrations.rejects_downloaded",
        by=by,
        object_type="integrations.bundleimport",
        object_id=str(bundle_id),
        object_label=file,
    )


@transaction.atomic
def mark_running(tenant: Tenant, *, bundle_id: int) -> BundleImport:
    """The job has begun; a finished bundle stays as it is."""
    bundle = queries.bundle_for_update(tenant, bundle_id=bundle_id)
    if bundle.state == BundleImport.State.WAITING:
        bundle.state = BundleImport.State.RUNNING
        bundle.save(update_fields=["state"])
    return bundle


@transaction.atomic
def report_file(tenant: Tenant, *, bundle_id: int, report: "FileReport", by: Actor) -> BundleFile:
    """The report on one file, in the transaction that lands it."""
    row = BundleFile.objects.create(
        tenant=tenant,
        bundle_id=bundle_id,
        file=report.file[:300],
        status=report.status,
        read=report.read,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        rejected=report.rejected,
        message=report.message or "",
        seconds=report.seconds,
    )
    counts = {name: getattr(row, name) for name in ("read", "created", "updated", "unchanged", "rejected")}
    audit.record(
        tenant,
        verb="integrations.file_imported"
        if report.status == "landed"
        else f"integrations.file_{report.status}",
        by=by,
        object_type="integrations.bundleimport",
        object_id=str(bundle_id),
        object_label=report.file,
        after={"file": report.file, "status": report.status, **counts},
    )
    return row


_QUARANTINE = """
INSERT INTO integrations_quarantinedrow
       (tenant_id, bundle_id, file, line, "column", value, reason, "row", state, resolved_by_label, resolution)
SELECT %(tenant)s, %(bundle)s, %(file)s, line, "column", value, reason, "row"::jsonb, %(state)s, '', %(resolution)s
  FROM import_rejects ORDER BY line
"""


def quarantine_staged(tenant: Tenant, *, bundle_id: int, report: "FileReport") -> None:
    """All rejected rows of the file, from this session's stage, in the transaction of its report.

    Those of a trial run are kept for the download, but nobody shall mend them: the rows were never to land.
    """
    trial = BundleImport.objects.for_tenant(tenant).filter(pk=bundle_id, dry_run=True).exists()
    with connection.cursor() as cursor:
        cursor.execute(
            _QUARANTINE,
            {
                "tenant": tenant.pk,
                "bundle": bundle_id,
                "file": report.file,
                "state": QuarantinedRow.State.DISCARDED if trial else QuarantinedRow.State.OPEN,
                "resolution": "Trial run: nothing was to land." if trial else "",
            },
        )


@transaction.atomic
def finish_import(tenant: Tenant, *, bundle_id: int, refused: str, by: Actor) -> BundleImport:
    """How the bundle ended: landed, in part, or refused as a whole. The uploaded file has done its duty."""
    states = BundleImport.State
    files = list(queries.files_of(tenant, bundle_id=bundle_id))
    trouble = any(file.status == "stopped" or file.rejected for file in files)
    state = states.REFUSED if refused else states.PARTLY if trouble else states.LANDED
    return _end(tenant, bundle_id, state, refused, files, by)


@transaction.atomic
def break_off(tenant: Tenant, *, bundle_id: int, why: str, by: Actor) -> BundleImport:
    """It did not come to its end; the files that landed stay."""
    files = list(queries.files_of(tenant, bundle_id=bundle_id))
    state = BundleImport.State.PARTLY if files else BundleImport.State.REFUSED
    return _end(tenant, bundle_id, state, why, files, by)


def _end(
    tenant: Tenant, bundle_id: int, state: str, refused: str, files: list[BundleFile], by: Actor
) -> BundleImport:
    bundle = queries.bundle_for_update(tenant, bundle_id=bundle_id)
    bundle.state, bundle.refused = state, refused
    bundle.finished_at = timezone.now()
    bundle.save(update_fields=["state", "refused", "finished_at"])
    audit.record(
        tenant,
        verb="integrations.bundle_tried" if bundle.dry_run else "integrations.bundle_imported",
        by=by,
        subject=bundle,
        object_label=bundle.file_name,
        after={
            "state": bundle.state,
            "refused": refused,
            "files": len(files),
            "rejected": sum(file.rejected for file in files),
        },
    )
    return bundle
