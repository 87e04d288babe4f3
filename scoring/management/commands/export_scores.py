"""`export_scores --tenant SLUG [--as-of DATE] --output FILE [--json FILE]`: docs/scoring.md, "What goes out"."""

from datetime import date
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scoring import commands, exports
from tenants.access import Actor
from tenants.models import Tenant

BY = Actor.command("export_scores")


class Command(BaseCommand):
    help = (
        "Writes one row for each customer of a day, the largest priority first. Scores first where need be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--as-of", metavar="DATE", help="default: the day after the newest evidence")
        parser.add_argument(
            "--output", required=True, metavar="FILE", help="a CSV file; - for standard output"
        )

        parser.add_argument(
            "--json",
            metavar="FILE",
            help="write the figures of the whole to this file; - for standard output",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = commands.the_tenant(options["tenant"])
        if options["output"] == options["json"]:
            raise commands.wrong_usage("--output and --json need two places.")
        commands.check_can_write(options["output"])
        commands.check_can_write(options["json"])
        day = commands.the_day(tenant, options["as_of"])
        if commands.needs_scoring(tenant, day):
            commands.score(self, tenant, day, by=BY)
        told = self._written(tenant, day, options["output"])
        if options["json"] is not None:
            about = {"tenant": tenant.slug, "as_of": str(day), "output": options["output"]}
            commands.write_json(self, about | told.figures(), options["json"])
        if "-" not in (options["output"], options["json"]):
            self.stdout.write(f"{told.accounts:,} customers of {day} written to {options['output']}.")

    def _written(self, tenant: Tenant, day: date, output: str) -> exports.Told:
        if output == "-":
            return exports.write_rows(tenant, as_of=day, out=cast(TextIO, self.stdout))
        try:
            return exports.write_file(tenant, as_of=day, path=Path(output))
        except OSError as error:
            raise CommandError(f"{output} could not be written: {error.strerror}.") from error
