"""The whole installation in one file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.backups import BackupError, making
from tenants.commands import REFUSED, USAGE, add_json_option, write_json


class Command(BaseCommand):
    help = "Writes database, uploads and the outside copies of seals to FILE, which must not exist yet."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument(
            "--with-secret-key",
            action="store_true",
            help="also the key that reads stored secrets: then keep FILE like a password",
        )
        add_json_option(parser)

    def handle(self, *args: Any, file: str, with_secret_key: bool, json: str | None, **options: Any) -> None:
        path = Path(file).absolute()
        try:
            manifest = making.make(path, with_secret_key=with_secret_key, say=self._say)
        except BackupError as error:
            raise CommandError(str(error), returncode=USAGE if error.usage else REFUSED) from error
        rows = sum(manifest["counts"].values())
        size = path.stat().st_size
        write_json(json, {"file": str(path), "bytes": size, "rows": rows, "seconds": manifest["seconds"]})
        if json != "-":
            self.stdout.write(f"{path}: {size:,} bytes, {rows:,} rows, {manifest['seconds']} s")
        if not with_secret_key:
            self._say(
                "The installation's secret key is not in it. Keep HOLDFAST_SECRET_KEY (or secret_key in "
                "HOLDFAST_VAR) elsewhere: without it, stored webhook secrets and second factors cannot be read."
            )

    def _say(self, message: str) -> None:
        self.stderr.write(f"backup: {message}")
