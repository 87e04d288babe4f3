"""Brings the embedded database up around a command, and down again when nobody else uses it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from config import embedded
from config.env import var_dir


@contextmanager
def database_for(command: str, *, needed: bool) -> Iterator[None]:
    """Run the block with a reachable database; with DATABASE_URL set, theirs is taken as it is."""
    if not needed or "--help" in sys.argv or os.environ.get("DATABASE_URL"):
        yield
        return
    server = embedded.ensure_running(var_dir(), on_progress=_say)
    try:
        yield
    finally:
        _close_django_connections()
        embedded.stop_if_idle(server)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _close_django_connections() -> None:
    """Our own idle connections must not count as another client of the server."""
    from django.db import connections

    connections.close_all()
