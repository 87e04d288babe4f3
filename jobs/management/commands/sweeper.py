"""Runs beside the workers: what is lost is found, what is due is fired."""

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.lease import SWEEPER_CLASS, lease
from jobs.sweeper import Sweeper


class Command(BaseCommand):
    help = (
        "Finds lost jobs, fires schedules and asks the workers for a sign of life, until SIGTERM or Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="look once and end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            self._look_once()
            return
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Sweeper().run_until(stop)

    def _look_once(self) -> None:
        with lease(0, of_class=SWEEPER_CLASS) as leading:
            if leading:
                Sweeper().sweep()
            else:
                self.stderr.write("Another sweeper is at work already; nothing to do.")
