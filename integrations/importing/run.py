"""Imports a bundle, one file after another, each whole or not at all (ADR 0006)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from integrations.importing import mended
from integrations.importing.format import FILES
from integrations.importing.known import KnownIds
from integrations.importing.onefile import OneFile, Order
from integrations.importing.problems import AnotherImportRuns, BundleRefused
from integrations.importing.report import BundleReport, FileReport, Say
from integrations.importing.source import Bundle, Limits, open_bundle
from integrations.importing.stage import patience
from integrations.meters import check_rows
from integrations.models import BundleImport
from integrations.queries import imports as queries
from integrations.queries import quarantine
from integrations.services import imports as services
from jobs.lease import lease
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

LONGEST_FILE_NAME = 300
_LOCK = 7330  # of the advisory locks: one import a tenant


def import_bundle(
    tenant: Tenant,
    path: Path,
    *,
    by: Actor,
    say: Say,
    record: BundleImport | None,
    dry_run: bool = False,
    until: float | None = None,
    limits: Limits | None = None,
) -> BundleReport:
    """Bring the bundle in. `record` keeps the report; without one (a command's trial run) nothing at all is written.

    Files that `record` already reports are passed over, and after `until` (time.monotonic) no new file is begun: that
    is how a job goes on where an earlier one ended. Raises AnotherImportRuns.
    """
    report = BundleReport(tenant.slug, dry_run)
    with _alone(tenant):
        try:
            with _opened(tenant, path, record, limits) as bundle:
                order = Order(tenant, by, say, bundle.size, KnownIds(tenant), record, dry_run)
                order.one_by_one = _is_of_rows(record)
                _bring_in(order, bundle, report, until)
        except BundleRefused as error:
            report.refused = str(error)
        if record is not None and not report.unfinished:
            with tenant_transaction(tenant.pk):
                services.finish_import(tenant, bundle_id=record.pk, refused=report.refused or "", by=by)
    return report


def _is_of_rows(record: BundleImport | None) -> bool:
    """Mended rows of an earlier import, which have no file of their own."""
    return record is not None and record.retry_of_id is not None and not record.path


@contextmanager
def _opened(
    tenant: Tenant, path: Path, record: BundleImport | None, limits: Limits | None
) -> Iterator[Bundle]:
    scratch = settings.UPLOAD_DIR / "unpacked"
    if record is None or not _is_of_rows(record):
        with open_bundle(path, limits=limits, scratch=scratch) as bundle:
            yield _only_stopped(tenant, record, bundle)
        return
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="bundle-") as folder:
        mended.write_claimed(tenant, record, Path(folder))
        with open_bundle(Path(folder), limits=limits) as bundle:
            yield bundle


def _only_stopped(tenant: Tenant, record: BundleImport | None, bundle: Bundle) -> Bundle:
    """Of an upload that is read a second time, the files that were stopped the first time."""
    if record is None or record.retry_of_id is None:
        return bundle
    with tenant_transaction(tenant.pk):
        stopped = quarantine.stopped_files(tenant, bundle_id=record.retry_of_id)
    return Bundle({name: file for name, file in bundle.files.items() if FILES[name].file_name in stopped}, [])


@contextmanager
def _alone(tenant: Tenant) -> Iterator[None]:
    with lease(tenant.pk, of_class=_LOCK) as obtained:
        if not obtained:
            raise AnotherImportRuns(
                f"Another import into {tenant.slug} is running. Start this one when it has ended."
            )
        with patience():
            yield


def _bring_in(order: Order, bundle: Bundle, report: BundleReport, until: float | None) -> None:
    done = _reported(order)
    if not done:
        _check_there_is_something(order, bundle)
        if not order.dry_run:
            check_rows(order.tenant, bundle)
    for name, source in bundle.files.items():
        if FILES[name].file_name not in done:
            if until is not None and time.monotonic() > until and report.files:
                report.unfinished = True
                return
            report.files.append(OneFile(order, source).bring_in())
        order.behind += source.size
    for name in dict.fromkeys(name[:LONGEST_FILE_NAME] for name in bundle.unknown):
        if name not in done:
            report.files.append(_ignored(order, name))


def _reported(order: Order) -> set[str]:
    if order.record is None:
        return set()
    with tenant_transaction(order.tenant.pk):
        return queries.reported_files(order.tenant, bundle_id=order.record.pk)


def _check_there_is_something(order: Order, bundle: Bundle) -> None:
    if not bundle.files and order.record is not None and order.record.retry_of_id is not None:
        raise BundleRefused("All of these rows were settled meanwhile. There is nothing left to bring in.")
    if not bundle.files:
        names = ", ".join(bundle.unknown[:5])
        found = f"It holds: {names}." if names else "It is empty."
        raise BundleRefused(f"No file of the import format is in the bundle. {found}")
    if "accounts" not in bundle.files and not order.known.frame("accounts").height:
        raise BundleRefused(
            "accounts.csv is missing. The first import of a workspace needs it; later ones may leave it out."
        )


def _ignored(order: Order, name: str) -> FileReport:
    report = FileReport(name, "ignored", message="The import format knows no such file. It was not read.")
    if order.record is not None:
        with tenant_transaction(order.tenant.pk):
            services.report_file(order.tenant, bundle_id=order.record.pk, report=report, by=order.by)
    return report
