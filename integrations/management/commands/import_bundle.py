"""import_bundle --tenant SLUG PATH [--dry-run] [--json REPORT]: docs/import.md."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, OperationalError

from integrations.importing.problems import AnotherImportRuns
from integrations.importing.report import BundleReport, FileReport
from integrations.importing.run import import_bundle
from integrations.models import BundleImport
from integrations.services import imports as services
from tenants.access import Actor
from tenants.commands import REFUSED, USAGE, add_json_option, find_tenant, write_json
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

BY = Actor.command("import_bundle")
SAY_EVERY = 2.0  # seconds
REJECTS_SHOWN = 3


class Command(BaseCommand):
    help = "Import a bundle of CSV files: a folder, a .zip or a .tar.gz. docs/import.md describes the format."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true", help="check and count; keep nothing")
        add_json_option(parser)

    def handle(self, *args: Any, path: Path, dry_run: bool, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        check_paths(path, options["json"])
        record = None if dry_run else self._record(tenant, path)
        try:
            report = import_bundle(tenant, path, by=BY, say=_Said(self), record=record, dry_run=dry_run)
        except BaseException as error:
            if record is not None:
                break_off(tenant, record, error)
            said = in_words(error)
            if said is error:
                raise
            raise said from error
        write_json(options["json"], report.as_json())
        self._show(report, to_stderr=options["json"] == "-")
        if not report.is_clean:
            sys.exit(REFUSED)

    def _record(self, tenant: Tenant, path: Path) -> BundleImport:
        whole = path.resolve()
        with tenant_transaction(tenant.pk):
            return services.open_import(tenant, file_name=whole.name, path=str(whole), by=BY)

    def _show(self, report: BundleReport, *, to_stderr: bool) -> None:
        """The report for a reader: on standard output, unless the JSON is there."""
        lines = [f"Refused: {report.refused}"] if report.refused else []
        for file in report.files:
            lines += lines_about(file)
        if report.dry_run and not report.refused:
            lines.append("Trial run: nothing was kept.")
        for line in lines:
            if to_stderr:
                self.stderr.write(line, str)
            else:
                self.stdout.write(line)


def lines_about(file: FileReport) -> list[str]:
    counts = "  ".join(
        f"{name} {getattr(file, name):>{width},}"
        for name, width in (("read", 9), ("created", 9), ("updated", 7), ("unchanged", 9), ("rejected", 6))
    )
    lines = [f"{file.file:<24} {file.status:<8} {counts}"]
    if file.message:
        lines.append(f"    {file.message}")
    for row in file.rejected_rows[:REJECTS_SHOWN]:
        place = f"line {row['line']}" + (f", {row['column']}" if row["column"] else "")
        lines.append(f"    {place}: {row['value'][:60]!r} {row['reason']}")
    if file.rejected > REJECTS_SHOWN:
        lines.append(f"    and {file.rejected - REJECTS_SHOWN:,} more rejected rows; --json lists them.")
    return lines


def check_paths(path: Path, report: str | None) -> None:
    """Before anything is imported: a report that could not be written would be a loss."""
    if not path.exists():
        raise CommandError(f"{path} does not exist. Give a folder, a .zip or a .tar.gz.", returncode=USAGE)
    if not os.access(path, os.R_OK):
        raise CommandError(f"{path} may not be read by you.", returncode=USAGE)
    if report not in (None, "-") and not os.access(Path(report).absolute().parent, os.W_OK):
        raise CommandError(f"The report {report} cannot be written there.", returncode=USAGE)


def break_off(tenant: Tenant, record: BundleImport, error: BaseException) -> None:
    """Say on the record that the import did not come to its end. Without a database there is nobody to tell."""
    why = (
        "The command was stopped"
        if isinstance(error, KeyboardInterrupt)
        else str(in_words(error)).rstrip(".")
    )
    try:
        with tenant_transaction(tenant.pk):
            services.break_off(tenant, bundle_id=record.pk, why=f"{why}. What landed before stays.", by=BY)
    except Error:
        return


def in_words(error: BaseException) -> BaseException:
    if isinstance(error, AnotherImportRuns):
        return CommandError(str(error), returncode=REFUSED)
    if isinstance(error, OperationalError):
        words = str(error).splitlines()[0]
        return CommandError(
            f"The database gave up: {words}. Run the command again for the rest.", returncode=REFUSED
        )
    if isinstance(error, OSError):
        return CommandError(
            f"{error.filename or 'The bundle'} cannot be read: {error.strerror}.", returncode=REFUSED
        )
    return error


class _Said:
    """Progress on standard error: each new file, and every now and then how far it is."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._at = 0.0
        self._file = ""

    def __call__(self, done: int, total: int, words: str) -> None:
        now, file = time.monotonic(), words.split(":")[0]
        if file == self._file and now - self._at < SAY_EVERY:
            return
        self._at, self._file = now, file
        share = f"{min(100, done * 100 // total):>3} %  " if total else ""
        self._command.stderr.write(f"{share}{words}", str)
