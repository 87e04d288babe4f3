"""A backup brought back, and proven."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.backups import BackupError, restoring
from tenants.commands import REFUSED, USAGE, add_json_option, write_json

NEXT = """What is next:
 1. Start it: manage.py serve. Everybody signs in again, because sessions are not kept.
 2. Deliveries that were sent after the backup was made may be sent once more, with the same webhook-id:
    receivers that keep ids drop them. Pause an endpoint on the Endpoints page to look first.
 3. Import what arrived since then; the same bundle twice is harmless."""
OTHER_KEY = """ !  The secret key is not the one of the backup. Set HOLDFAST_SECRET_KEY to the old one (or put it into
    secret_key in HOLDFAST_VAR) before the start: until then webhook secrets and second factors cannot be read."""


class Command(BaseCommand):
    help = "Brings FILE back into an empty installation, raises its epoch and proves the result."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--replace", action="store_true", help="delete what the database holds now")
        add_json_option(parser)

    def handle(self, *args: Any, file: str, replace: bool, json: str | None, **options: Any) -> None:
        try:
            found = restoring.restore(Path(file).absolute(), replace=replace, say=self._say)
        except BackupError as error:
            raise CommandError(str(error), returncode=USAGE if error.usage else REFUSED) from error
        write_json(json, found)
        if json != "-":
            self.stdout.write(
                f"Restored the backup of {found['made_at']}: {found['rows']:,} rows in {found['tables']} tables, "
                f"{found['files']} files, epoch {found['epoch']}, {found['seconds']} s. Counts, tenant isolation "
                "and every seal of the event log hold."
            )
        self.stderr.write(NEXT if found["same_secret_key"] else f"{NEXT}\n{OTHER_KEY}")

    def _say(self, message: str) -> None:
        self.stderr.write(f"restore: {message}")
