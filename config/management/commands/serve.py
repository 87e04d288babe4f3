"""Database, web and workers under one supervisor until SIGTERM or Ctrl-C."""

import argparse
import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from config import metrics


class Command(BaseCommand):
    help = "Runs the database, the web server and the workers until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=_port, default=settings.PORT, metavar="P")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        """Check what can be checked, then become the supervisor (config.serving)."""
        bind: str = settings.HOLDFAST_BIND
        _check_free(bind, port)
        metrics.forget_all()
        connections.close_all()
        sys.stdout.flush()
        os.chdir(settings.BASE_DIR)  # where `-m` finds config
        os.execv(sys.executable, [sys.executable, "-m", "config.serving", bind, str(port)])  # noqa: S606  # nosec B606  ourselves


def _port(value: str) -> int:
    number = int(value) if value.isascii() and value.isdigit() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a whole number from 1 to 65535")
    return number


def _check_free(bind: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {bind}, port {port}: {error.strerror}. "
                f"Stop what uses it, or choose another port, for example PORT={port % 65535 + 1}."
            ) from error
