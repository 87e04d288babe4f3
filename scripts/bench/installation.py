"""An installation of the bench's own: server, var folder and commands, gone afterwards."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
SETTINGS = "scripts.bench.settings"


@dataclass(frozen=True)
class Installation:
    var: Path
    server: Any  # config.embedded.Server

    def manage(self, *arguments: str) -> str:
        """Run one of the product's commands; its standard output. Ends the bench when it fails."""
        done = subprocess.run(
            [*MANAGE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=environment()
        )
        if done.returncode:
            sys.exit(f"bench: {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def peak_of(self, *arguments: str) -> tuple[int, str]:
        """Run one of the product's commands; the most bytes that its process had at a time, and its standard output."""
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen([*MANAGE, *arguments], cwd=ROOT, stdout=said, env=environment())
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                sys.exit(f"bench: {' '.join(arguments)} failed")
            said.seek(0)
            return used.ru_maxrss * 1024, said.read()

    def report(self, *arguments: str) -> dict[str, Any]:
        """What a command says on `--json -`."""
        found: dict[str, Any] = json.loads(self.manage(*arguments, "--json", "-"))
        return found

    def superuser(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(**self.server.params("postgres"), autocommit=True)


def environment() -> dict[str, str]:
    """What the bench's processes get: its own settings, no limits in the way, the repository to import from."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PYTHONPATH": str(ROOT),
        "HOLDFAST_RATE_PER_ADDRESS": "0",
        "HOLDFAST_RATE_PER_PRINCIPAL": "0",
        "HOLDFAST_RATE_PER_TENANT": "0",
    }


@contextmanager
def installation() -> Iterator[Installation]:
    """Migrated and empty. Refuses to run beside a DATABASE_URL: nobody's own server is a bench."""
    from config import embedded

    for name in ("DATABASE_URL", "HOLDFAST_DB_ROLE", "DJANGO_SETTINGS_MODULE"):
        os.environ.pop(name, None)
    var = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    os.environ["HOLDFAST_VAR"] = str(var)
    server = embedded.ensure_running(var)
    try:
        made = Installation(var, server)
        made.manage("migrate", "-v", "0")
        yield made
    finally:
        embedded.discard(var)
        shutil.rmtree(var, ignore_errors=True)
