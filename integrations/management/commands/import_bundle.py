"""`import_bundle --tenant SLUG PATH [--dry-run] [--json FILE]`: docs/import.md."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from integrations.importing.problems import AnotherImportRuns
from integrations.importing.report import BundleReport
from integrations.importing.run import import_bundle
from integrations.services import imports as services
from tenants import queries as tenants
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

BY = Actor.command("import_bundle")
SAY_EVERY = 2.0  # seconds


class Command(BaseCommand):
    help = (
        "Imports a bundle of CSV files: a folder, a .zip or a .tar.gz. docs/import.md describes the format."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true", help="check and count, keep nothing")
        parser.add_argument(
            "--json", metavar="REPORT", help="write the report to this file; - for standard output"
        )

    def handle(self, *args: Any, path: Path, tenant: str, dry_run: bool, **options: Any) -> None:
        owner = tenants.tenant_by_slug(tenant)
        if owner is None:
            raise CommandError(f"No workspace has the slug {tenant}. create_tenant makes one.", returncode=2)
        if not path.exists():
            raise CommandError(f"{path} does not exist. Give a folder, a .zip or a .tar.gz.", returncode=2)
        if options["json"] not in (None, "-") and not Path(options["json"]).absolute().parent.is_dir():
            raise CommandError(f"There is no folder for the report {options['json']}.", returncode=2)
        try:
            report = self._import(owner, path, dry_run)
        except AnotherImportRuns as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            words = str(error).splitlines()[0]
            raise CommandError(
                f"The database gave up: {words}. Files that landed stay; run the command again for the others."
            ) from error
        self._write(report, options["json"])
        if not report.is_clean:
            sys.exit(1)

    def _import(self, tenant: Tenant, path: Path, dry_run: bool) -> BundleReport:
        record = None
        if not dry_run:
            with tenant_transaction(tenant.pk):
                record = services.open_import(
                    tenant, file_name=path.resolve().name, path=str(path.resolve()), by=BY
                )
        return import_bundle(tenant, path, by=BY, say=_Said(self), record=record, dry_run=dry_run)

    def _write(self, report: BundleReport, where: str | None) -> None:
        """The report as JSON where it was asked for; else as lines. Words for the reader go to standard error."""
        if where is not None:
            text = json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n"
            if where == "-":
                self.stdout.write(text, ending="")
            else:
                Path(where).write_text(text, encoding="utf-8")
        out = self.stderr if where == "-" else self.stdout
        plain = self.style.SUCCESS if out is self.stdout else str
        if report.refused:
            out.write(f"Refused: {report.refused}")
        for file in report.files:
            out.write(
                f"{file.file:<26} {file.status:<8} read {file.read:>9,}  created {file.created:>9,}  updated "
                f"{file.updated:>7,}  unchanged {file.unchanged:>9,}  rejected {file.rejected:>6,}",
                plain,
            )
            if file.message:
                out.write(f"  {file.message}")
            for row in file.rejected_rows[:3]:
                where_ = f"line {row['line']}" + (f", {row['column']}" if row["column"] else "")
                out.write(f"  {where_}: {row['value'][:60]!r} {row['reason']}")
        if report.dry_run:
            out.write("Trial run: nothing was kept.")


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
