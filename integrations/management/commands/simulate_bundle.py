"""`simulate_bundle`: a made-up customer base in the import format. Reads and writes no database."""

from __future__ import annotations

import datetime
import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.simulation import WORLDS, SimulationError, UnusableParameter, simulate

REFUSED, WRONG_USAGE = 1, 2


class Command(BaseCommand):
    help = "Write a made-up customer base, in the import format, into a new or empty folder."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what the command takes; the simulation itself judges the values."""
        parser.add_argument("out", metavar="OUT", type=Path, help="a new or empty folder")
        parser.add_argument("--accounts", type=int, required=True, metavar="N", help="how many accounts")
        parser.add_argument(
            "--days", type=int, required=True, metavar="D", help="how many days, up to the end"
        )
        parser.add_argument("--seed", type=int, required=True, metavar="S", help="same seed, same bytes")
        parser.add_argument(
            "--end", type=_date, metavar="DATE", help="the last day (default: yesterday, UTC)"
        )
        parser.add_argument("--world", default="default", metavar="NAME", help=", ".join(sorted(WORLDS)))
        parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - for standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Simulate, with progress on standard error and the result on standard output."""
        end = options["end"] or datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
        chosen = {name: options[name] for name in ("accounts", "days", "seed", "world")}
        try:
            rows = simulate(options["out"], end=end, on_progress=self._progress, **chosen)
        except UnusableParameter as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from error
        except SimulationError as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        result = {
            "out": str(options["out"]),
            "end": str(end),
            **chosen,
            "rows": rows,
            "total": sum(rows.values()),
        }
        self._report(result, options["json"])

    def _progress(self, part: str, done: int, total: int) -> None:
        self.stderr.write(f"{part}: {done:,} of {total:,}", style_func=str)

    def _report(self, result: dict[str, Any], target: str | None) -> None:
        text = json.dumps(result, indent=2)
        if target == "-":
            self.stdout.write(text)
            return
        if target:
            _save(Path(target), text)
        for name, count in result["rows"].items():
            self.stdout.write(f"{name:<20} {count:>12,}")
        self.stdout.write(f"{'total':<20} {result['total']:>12,}\n{result['out']} is ready to be imported.")


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"Could not write {path}: {error.strerror or error}", returncode=REFUSED
        ) from error


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-03-01") from None
