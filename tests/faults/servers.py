"""The embedded servers of the faults: one for the session, and copies of it that a test may ruin."""

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from config import embedded
from config.embedded_home import Home, os_account
from tests.conftest import _create_empty, _migrations_stamp

ROOT = Path(__file__).resolve().parent.parent.parent
# Never the suite's nor the demo's. Two people at once on one machine: give each a HOLDFAST_FAULTS_VAR.
VAR = Path(os.environ.get("HOLDFAST_FAULTS_VAR") or ROOT / "var" / "faults")
TEMPLATE = "holdfast_faults"
SMALL = "fsync=off synchronous_commit=on shared_buffers=32MB max_wal_size=256MB log_statement=none"


def superuser(server, database="postgres"):
    return psycopg.connect(**{**server.params("postgres"), "dbname": database}, autocommit=True)


@contextmanager
def postgres_settings(settings):
    """Servers that are started inside, also by processes of ours, get these settings."""
    before = os.environ.get("HOLDFAST_POSTGRES_SETTINGS")
    os.environ["HOLDFAST_POSTGRES_SETTINGS"] = settings
    try:
        yield
    finally:
        if before is None:
            del os.environ["HOLDFAST_POSTGRES_SETTINGS"]
        else:
            os.environ["HOLDFAST_POSTGRES_SETTINGS"] = before


def _stamp():
    digest = hashlib.sha256(_migrations_stamp().encode())
    for path in (ROOT / "tests/worlds.py", ROOT / "tests/faults/seed.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ensure_template(server, secret):
    """Migrated as the owner, with the worlds acme and globex; made anew when a migration or the seed changed."""
    stamp = _stamp()
    with superuser(server) as admin:
        admin.execute("SELECT pg_advisory_lock(7401)")
        found = admin.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).fetchone()
        if found is None or found[0] != stamp:
            drop(admin, TEMPLATE)
            _create_empty(admin, TEMPLATE, server)
            _fill(secret)
            words = sql.SQL("COMMENT ON DATABASE {} IS {}")
            admin.execute(words.format(sql.Identifier(TEMPLATE), sql.Literal(stamp)))
        admin.execute("SELECT pg_advisory_unlock(7401)")


def _fill(secret):
    common = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "HOLDFAST_VAR": str(VAR),
        "HOLDFAST_DB_NAME": TEMPLATE,
        "HOLDFAST_SECRET_KEY": secret,
    }
    for role, command in (
        ("owner", ["manage.py", "migrate", "-v", "0"]),
        ("app", ["-m", "tests.faults.seed"]),
    ):
        subprocess.run(
            [sys.executable, *command], env={**common, "HOLDFAST_DB_ROLE": role}, check=True, cwd=ROOT
        )


def clone(server, name):
    """A database of a test's own, copied from the template: a fraction of a second."""
    with superuser(server) as admin:
        admin.execute("SELECT pg_advisory_lock(7402)")  # a template is copied by one session at a time
        drop(admin, name)
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER holdfast_owner")
        admin.execute(words.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        admin.execute("SELECT pg_advisory_unlock(7402)")


def drop(admin, name):
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def copy_server(source, var):
    """A server of a test's own in `var`, not started: data, passwords and programs copied from a stopped `source`."""
    var.mkdir(parents=True, exist_ok=True)
    home = Home.of(var)
    home.make()
    copy = embedded.Server(socket_dir=home.socket_dir, data_dir=home.data)
    subprocess.run(["cp", "-a", source.data_dir, home.data], check=True)
    adopt(source, copy)
    return copy


def adopt(source, fresh):
    """Give a bare copy of the data what belongs to it: passwords, programs, and the server's own user as owner."""
    shutil.copy2(source.home.passwords, fresh.home.passwords)
    for programs in source.home.base.glob("binaries-*"):
        shutil.copytree(programs, fresh.home.base / programs.name, symlinks=True, copy_function=os.link)
    if os.geteuid() == 0:
        account = os_account()
        subprocess.run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", fresh.home.data], check=True)
