"""`bench_sums --tenant T --accounts N`: stored parts of levels and changes of every account, added up; JSON."""

import json
import time
from dataclasses import asdict
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction

from scoring import commands


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True)
        parser.add_argument("--accounts", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        crowd, world = (
            import_module("tests.scoring.crowd"),
            import_module("tests.worlds").World(commands.the_tenant(options["tenant"])),
        )
        started = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            crowd.crowd(world, options["accounts"])
            written = time.perf_counter()
            found = asdict(crowd.sums(world))
        found |= {
            "kinds": sorted(found["kinds"]),
            "write": written - started,
            "read": time.perf_counter() - written,
        }
        self.stdout.write(json.dumps(found, default=float))
