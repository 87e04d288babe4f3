"""`train --tenant SLUG [--as-of DATE] [--json FILE]`: learn who leaves, and register a version of the model."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scoring import commands
from tenants.access import Actor

BY = Actor.command("train")


class Command(BaseCommand):
    help = (
        "Fits, calibrates and registers a version from what was known before a day. docs/scoring.md says how."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--as-of", metavar="DATE", help="default: the day after the newest evidence")
        parser.add_argument(
            "--json", metavar="FILE", help="write the report to this file; - for standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from scoring.learning import commands as learning  # the maths is loaded by this command alone

        tenant = commands.the_tenant(options["tenant"])
        commands.check_can_write(options["json"])
        day = commands.the_day(tenant, options["as_of"])
        found = learning.train(self, tenant, day, by=BY, path=options["json"])
        scored = commands.score_newest_again(self, tenant, by=BY) if found["usable"] else None
        if options["json"] != "-":
            self.stdout.write(learning.trained_in_words(found))
            if scored is not None:
                self.stdout.write(f"{scored.accounts:,} customers of {scored.as_of} scored with it.")
