"""Django's migrate, which gives way: pages wait at most two seconds behind it (docs/migrations.md)."""

import random
import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import OperationalError, connection

from config.lean_states import lean_states

TRIES = 20
LONGEST_PAUSE = 8.0


class Command(DjangoCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        """What was done stays done, so that each try goes on with the migration that did not get its lock."""
        for attempt in range(1, TRIES + 1):
            try:
                with lean_states():
                    super().handle(*args, **options)
                return
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
                    raise
                connection.close()
            pause = random.uniform(0.5, min(LONGEST_PAUSE, 0.5 + attempt))  # noqa: S311
            self.stderr.write(
                f"migrate: a table is in use; trying again in {pause:.1f} s ({attempt} of {TRIES})"
            )
            time.sleep(pause)
        raise CommandError("A table stays in use: stop the long import or job, and run migrate again.")
