"""Events on demand, files of the test's own, and a server where nobody else holds a transaction open."""

import os
import subprocess

import psycopg
import pytest

from audit import services
from config import embedded
from tenants.access import SYSTEM
from tests.conftest import clone_database, drop_database


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """Exports and anchors of this test."""
    settings.HOLDFAST_VAR = tmp_path
    settings.EXPORT_DIR = tmp_path / "exports"


@pytest.fixture
def say():
    """`say(world, "word")` writes one event in that world."""

    def write(world, word="hello", *, verb="tests.said", by=SYSTEM, **about):
        with world.here():
            return services.record(world.tenant, verb=verb, by=by, after={"word": word}, **about)

    return write


@pytest.fixture(scope="session")
def quiet_server(test_server, template_database, tmp_path_factory):
    """A copy of the tests' server: what settles there waits for no other test's transaction (DECISIONS 5)."""
    from tests.faults.servers import SMALL, adopt, postgres_settings

    var = tmp_path_factory.mktemp("quiet")
    home = embedded.Home.of(var)
    home.make()
    copy = embedded.Server(socket_dir=home.socket_dir, data_dir=home.data)
    params = test_server.params("postgres")
    where = f"host={params['host']} port={params['port']} user=postgres"
    # its own slot would be made too late: what other tests write may push the copy's first segment out before that
    slot = f"quiet_{os.getpid()}"
    argv = [
        embedded.packaged_bin() / "pg_basebackup",
        "-d",
        where,
        "-D",
        home.data,
        "-c",
        "fast",
        "-X",
        "stream",
        "-S",
        slot,
    ]
    with psycopg.connect(**params, autocommit=True) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [slot])
        try:
            subprocess.run(argv, env={**os.environ, "PGPASSWORD": params["password"]}, check=True)
        finally:
            connection.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    adopt(test_server, copy)
    with postgres_settings(SMALL):
        embedded.ensure_running(var, on_progress=lambda message: None)
        yield copy
        embedded.discard(var)


@pytest.fixture
def quiet_db(quiet_server, django_db_setup, django_db_blocker):
    """What `committed_db` is, on the quiet server."""
    from django.db import connections

    name = f"holdfast_quiet_{os.getpid()}"
    clone_database(quiet_server, name)
    connection = connections["default"]
    with django_db_blocker.unblock():
        before = {key: connection.settings_dict[key] for key in ("NAME", "HOST")}
        connection.close()
        connection.settings_dict.update(NAME=name, HOST=quiet_server.params("app")["host"])
        try:
            yield name
        finally:
            connections.close_all()
            connection.settings_dict.update(before)
    drop_database(quiet_server, name)
