"""What `serve` becomes: supervisor of database, web and workers, in a process that loads no app.

The command checks its options and then replaces itself by this (`exec`, same process id): settings and a database
connection are all that a supervisor needs, and the apps would stay in its memory for nothing (docs/performance.md).
"""

import gc
import http.client
import json
import logging
import logging.config
import os
import sys
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.db import connections

from config import embedded
from config.supervisor import Child, Chore, Supervisor
from jobs.canary import canary_age

COMPLAIN_AFTER = 20.0


def main(bind: str, port: int) -> int:
    """Until SIGTERM or Ctrl-C; the exit code."""
    gc.collect()
    gc.freeze()  # the guard is forked from here, and goes on sharing what is loaded by now
    logging.config.dictConfig(settings.LOGGING)  # what Django's set-up does for the others
    database = _Database(settings.HOLDFAST_VAR) if not os.environ.get("DATABASE_URL") else None
    chores = [Chore("waiting for the first page", 0.5, _Announcement(bind, port).ask)]
    if database:
        chores.append(Chore("database", 2.0, database.keep_running))
    supervisor = Supervisor(
        _children(bind, port),
        prepare=database.start if database else None,
        chores=chores,
        say=_say,
        canary_age=_Silence().seconds,
        canary_limit=settings.CANARY_LIMIT,
        stop_seconds=settings.STOP_SECONDS,
    )
    try:
        return supervisor.run()
    except embedded.EmbeddedError as error:
        print(f"holdfast: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        if database:
            database.stop()


def _say(message: str) -> None:
    """The supervisor's own words, in the format of the others' lines."""
    if settings.LOG_FORMAT == "json":
        logging.getLogger("holdfast.supervisor").warning(message)
    else:
        print(f"holdfast: {message}", file=sys.stderr, flush=True)


def _children(bind: str, port: int) -> list[Child]:
    """The web server first: it is the first to be stopped."""
    base: Path = settings.BASE_DIR
    manage = [sys.executable, str(base / "manage.py")]
    # a thread a core would count against each worker's memory, and leave none for the pages
    threads = {name: os.environ.get(name, "2") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    worker = {"HOLDFAST_DB_ROLE": "worker", **threads}
    return [
        Child("web", _gunicorn(bind, port), {"HOLDFAST_DB_ROLE": "app", "PORT": str(port)}, cwd=base),
        Child(
            "worker", [*manage, "qcluster"], worker, base, canary=True, memory=settings.WORKER_MEMORY_BYTES
        ),
        Child("sweeper", [*manage, "sweeper"], worker, cwd=base, canary=True),
    ]


def _gunicorn(bind: str, port: int) -> list[str]:
    """2 x 4 threads suit two cores (PLATFORM 2). Its control socket would be written to the home folder."""
    host = f"[{bind}]" if ":" in bind else bind
    return [
        *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"{host}:{port}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--timeout", "60", "--graceful-timeout", "30", "--keep-alive", "5"),
        *("--max-requests", "5000", "--max-requests-jitter", "500"),
        "--preload",  # the processes share the apps' memory instead of loading them once each
        *("--no-control-socket", "--worker-tmp-dir", _heartbeat_folder()),
        *("--config", "python:config.gunicorn_settings"),  # its own log lines
    ]


def _heartbeat_folder() -> str:
    """In memory where possible: a busy disk would delay the heartbeat and get a healthy worker killed."""
    memory = "/dev/shm"  # noqa: S108  # nosec B108  gunicorn makes an unlinked file of its own there
    return memory if os.access(memory, os.W_OK) else tempfile.gettempdir()


class _Silence:
    """How long the workers have not answered. A heartbeat from before our start says nothing about these ones."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def seconds(self) -> float:
        ours = time.monotonic() - self._started
        age = canary_age()
        return ours if age is None else min(age, ours)


class _Database:
    """The embedded server, for as long as we run."""

    def __init__(self, var: Path) -> None:
        self._var = var
        self._server: embedded.Server | None = None

    def start(self) -> None:
        self._server = embedded.ensure_running(self._var)

    def keep_running(self) -> bool:
        """Start it again if it died."""
        if self._server is None or not embedded.is_alive(self._server):
            self.start()
        return False

    def stop(self) -> None:
        """Unless another process uses it."""
        connections.close_all()
        if self._server is not None:
            embedded.stop_if_idle(self._server)


class _Announcement:
    """Says once that pages are served, or after a while why they are not."""

    def __init__(self, bind: str, port: int) -> None:
        self._host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104  # nosec B104  compared
        self._port = port
        self._complain_at = time.monotonic() + COMPLAIN_AFTER

    def ask(self) -> bool:
        reason = self._what_is_missing()
        if not reason:
            host = f"[{self._host}]" if ":" in self._host else self._host
            print(f"Holdfast is ready at http://{host}:{self._port}", flush=True)
            return True
        if time.monotonic() > self._complain_at:
            self._complain_at = time.monotonic() + 3 * COMPLAIN_AFTER
            print(f"holdfast: not ready yet: {reason}", file=sys.stderr, flush=True)
        return False

    def _what_is_missing(self) -> str:
        """Empty when ready. Straight to the address: a proxy from the environment is not meant for this."""
        allowed = [name for name in settings.ALLOWED_HOSTS if not name.startswith(("*", "."))]
        named = {"Host": allowed[0]} if allowed else {}
        connection = http.client.HTTPConnection(self._host, self._port, timeout=2)
        try:
            connection.request("GET", "/readyz", headers=named)
            response = connection.getresponse()
            body = response.read(10_000)
        except (OSError, http.client.HTTPException) as error:
            return f"the web server does not answer ({error})"
        finally:
            connection.close()
        if response.status == 200:
            return ""
        try:
            return str(json.loads(body)["reason"])
        except (ValueError, KeyError, TypeError):
            return f"/readyz answers {response.status}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
