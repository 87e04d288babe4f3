"""`backtest --tenant SLUG [--json FILE]`: what past chances would have been worth, by rolling origin."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scoring import commands


class Command(BaseCommand):
    help = "Fits at past days and judges on later ones; registers nothing. docs/scoring.md, What a back-test says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--json", metavar="FILE", help="write the report to this file; - for standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from scoring.learning import commands as learning  # the maths is loaded by this command alone

        tenant = commands.the_tenant(options["tenant"])
        commands.check_can_write(options["json"])
        day = commands.the_day(tenant, None)
        report = learning.backtest(self, tenant, day, path=options["json"])
        if options["json"] != "-":
            self.stdout.write(learning.backtest_in_words(report))
