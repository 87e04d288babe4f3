"""`score --tenant SLUG [--as-of DATE] [--json FILE]`: one snapshot for each customer of that day."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scoring import commands
from scoring.models import ScoreRun
from tenants.access import Actor
from tenants.models import Tenant

BY = Actor.command("score")


class Command(BaseCommand):
    help = "Scores every customer of a day from what was known before that day. docs/scoring.md says how."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--as-of", metavar="DATE", help="default: the day after the newest evidence")
        parser.add_argument(
            "--json", metavar="FILE", help="write the figures to this file; - for standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = commands.the_tenant(options["tenant"])
        commands.check_can_write(options["json"])
        day = commands.the_day(tenant, options["as_of"])
        run = commands.score(self, tenant, day, by=BY)
        if options["json"] is not None:
            commands.write_json(self, figures(tenant, run), options["json"])
        if options["json"] != "-":
            self.stdout.write(in_words(run))


def figures(tenant: Tenant, run: ScoreRun) -> dict[str, Any]:
    return {
        "tenant": tenant.slug,
        "as_of": run.as_of.isoformat(),
        "run": run.pk,
        "accounts": run.accounts,
        "unchanged": run.is_unchanged,
        "seconds": run.seconds,
        "bands": run.summary["bands"],
        "policies": {segment or "all": each["label"] for segment, each in run.policy_versions.items()},
        "missing_rates": run.summary["missing_rates"],
        "coverage_pct": run.summary["coverage"],
        "sources": run.summary["sources"],
        "chances": run.summary["chances"],
        "fingerprint": run.fingerprint,
    }


def in_words(run: ScoreRun) -> str:
    counts = ", ".join(f"{count:,} {band}" for band, count in run.summary["bands"].items() if count)
    if run.is_unchanged:
        return f"{run.as_of}: the same figures as before for {run.accounts:,} customers ({counts}); nothing was added."
    return f"{run.as_of}: {run.accounts:,} customers scored in {run.seconds:.1f} s ({counts})."
