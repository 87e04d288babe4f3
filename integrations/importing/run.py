"""Imports a bundle, one file after another, each whole or not at all (ADR 0006)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from integrations.importing.format import FILES
from integrations.importing.known import KnownIds
from integrations.importing.onefile import OneFile, Order
from integrations.importing.problems import AnotherImportRuns, BundleRefused
from integrations.importing.report import BundleReport, FileReport, Say
from integrations.importing.source import Bundle, Limits, open_bundle
from integrations.importing.stage import patience
from integrations.models import BundleImport
from integrations.queries import imports as queries
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
            with open_bundle(path, limits=limits, scratch=settings.UPLOAD_DIR / "unpacked") as bundle:
                order = Order(tenant, by, say, bundle.size, KnownIds(tenant), record, dry_run)
                _bring_in(order, bundle, report, until)
        except BundleRefused as error:
            report.refused = str(error)
        if record is not None and not report.unfinished:
            with tenant_transaction(tenant.pk):
                services.finish_import(tenant, bundle_id=record.pk, refused=report.refused or "", by=by)
    return report


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
