"""Recompute every seal of the event log; exit 1 names the tenant and the range where it does not hold."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import verification
from audit.verification import Report
from tenants.access import Actor
from tenants.models import Tenant
from tenants.queries import all_tenants, tenant_by_slug


class Command(BaseCommand):
    help = "Recomputes every seal of the event log from the events themselves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="one tenant instead of all")
        parser.add_argument("--json", metavar="FILE", help="the result as JSON; - is standard output")

    def handle(self, *args: Any, tenant: str | None, json: str | None, **options: Any) -> None:
        reports = [self._verify(each) for each in self._tenants(tenant)]
        to_output = json == "-"
        for report in reports:
            self._print(report, to_error=to_output)
        if json:
            self._write(reports, json)
        if any(not report.ok for report in reports):
            named = ", ".join(report.tenant for report in reports if not report.ok)
            raise CommandError(
                f"The event log of {named} does not agree with its seals. Keep the database as it is, "
                "and compare it with the last backup before anything else.",
                returncode=1,
            )

    def _tenants(self, slug: str | None) -> list[Tenant]:
        if slug is None:
            return list(all_tenants())
        tenant = tenant_by_slug(slug)
        if tenant is None:
            raise CommandError(f"There is no tenant {slug!r}.", returncode=2)
        return [tenant]

    def _verify(self, tenant: Tenant) -> Report:
        def say(done: int, total: int) -> None:
            if done % 1000 == 0 or done == total:
                self.stderr.write(f"{tenant.slug}: {done:,} of {total:,} seals")

        return verification.verify(tenant, by=Actor.command("audit_verify"), say=say)

    def _print(self, report: Report, *, to_error: bool) -> None:
        out = self.stderr if to_error else self.stdout
        for fault in report.faults:
            out.write(f"{report.tenant}: {fault}")
        if report.ok:
            out.write(
                f"{report.tenant}: {report.seals:,} seals over {report.events:,} events hold; "
                f"{report.waiting:,} events wait for the next seal."
            )

    def _write(self, reports: list[Report], target: str) -> None:
        text = json.dumps(
            {"ok": all(report.ok for report in reports), "tenants": [report.as_json() for report in reports]},
            indent=2,
        )
        if target == "-":
            sys.stdout.write(f"{text}\n")
            return
        try:
            Path(target).write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot write {target}: {error.strerror}.", returncode=2) from error
