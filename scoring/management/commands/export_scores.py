"""`export_scores --tenant SLUG [--as-of DATE] --output FILE`: docs/scoring.md, "What goes out"."""

from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scoring import commands, exports, queries
from tenants.access import Actor
from tenants.scoping import tenant_transaction

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

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = commands.the_tenant(options["tenant"])
        commands.check_can_write(options["output"])
        day = commands.the_day(tenant, options["as_of"])
        with tenant_transaction(tenant.pk):
            is_scored = queries.run_of_day(tenant, day) is not None
        if not is_scored:
            commands.score(self, tenant, day, by=BY)
        if options["output"] == "-":
            exports.write_rows(tenant, as_of=day, out=cast(TextIO, self.stdout))
            return
        try:
            count = exports.write_file(tenant, as_of=day, path=Path(options["output"]))
        except OSError as error:
            raise CommandError(f"{options['output']} could not be written: {error.strerror}.") from error
        self.stdout.write(f"{count:,} customers of {day} written to {options['output']}.")
