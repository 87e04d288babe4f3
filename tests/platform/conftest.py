"""Real servers in folders of their own: neither the demo's nor the suite's."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import psycopg
import pytest

from config import embedded

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHONPATH = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])


@pytest.fixture
def var(tmp_path, monkeypatch):
    """A var folder whose server is gone afterwards. Small and unsynced: no test here cuts the power."""
    monkeypatch.setenv("HOLDFAST_POSTGRES_SETTINGS", "fsync=off shared_buffers=16MB")
    folder = tmp_path / "var"
    yield folder
    embedded.discard(folder)


@pytest.fixture
def server(var):
    return embedded.ensure_running(var)


def python(code: str, *arguments: object, **options) -> subprocess.Popen:
    """A process of its own running `code`, with the repository on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def ask(server: embedded.Server, role: str, question: str, database: str = "holdfast"):
    """First row of the answer, as one of the roles."""
    with psycopg.connect(**{**server.params(role), "dbname": database}, autocommit=True) as connection:
        return connection.execute(question).fetchone()


def do(server: embedded.Server, role: str, *statements: str) -> None:
    with psycopg.connect(**server.params(role), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
