"""The faults' own server, a database for each test, and what a failure shows. Read tests/faults/house.py first."""

import os
import subprocess

import pytest
from django.conf import settings

from config import embedded
from tests.faults import servers
from tests.faults.house import House


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/faults/" in str(item.path):
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the killed pids, the ledger and the logs' ends."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        for name, found in getattr(item, "funcargs", {}).items():
            if isinstance(found, House):
                report.sections.append((f"{name}: who was killed, the ledger, the logs", found.report()))


@pytest.fixture(scope="session")
def faults_server():
    """The server of all faults, in its own var folder; stopped at the end, its template kept for the next run."""
    with servers.postgres_settings(servers.SMALL):
        server = embedded.ensure_running(servers.VAR, on_progress=lambda message: None)
        servers.ensure_template(server, settings.SECRET_KEY)
        yield server
        embedded.stop_if_idle(server)


@pytest.fixture
def house(faults_server, tmp_path, django_db_blocker):
    """A House on the session's server. A test that stops or starves the server wants `private_house`."""
    with django_db_blocker.unblock():
        found = House(faults_server, servers.VAR, tmp_path)
        try:
            yield found.open()
        finally:
            found.close()


@pytest.fixture(scope="session")
def frozen_server(faults_server, tmp_path_factory):
    """A base backup of the session's server, taken once: what private servers are copied from."""
    var = tmp_path_factory.mktemp("frozen") / "var"
    var.mkdir()
    embedded.Home.of(var).make()
    home = embedded.Home.of(var)
    frozen = embedded.Server(socket_dir=home.socket_dir, data_dir=home.data)
    params = faults_server.params("postgres")
    words = f"host={params['host']} port={params['port']} user=postgres"
    argv = [
        embedded.packaged_bin() / "pg_basebackup",
        "-d",
        words,
        "-D",
        home.data,
        "-c",
        "fast",
        "-X",
        "stream",
    ]
    subprocess.run(argv, env={**os.environ, "PGPASSWORD": params["password"]}, check=True)
    servers.adopt(faults_server, frozen)
    yield frozen
    embedded.discard(var)


@pytest.fixture
def private_house(frozen_server, tmp_path, django_db_blocker):
    """`private_house(settings="fsync=on max_connections=20")`: a House on a server of its own, which the test may ruin.

    `start=False` leaves the server down; then house.open() is the test's to call once it runs.
    """
    made = []

    def make(*, settings: str = "", start: bool = True, var=None):
        var = var or tmp_path / f"var{len(made)}"
        server = servers.copy_server(frozen_server, var)
        frame = servers.postgres_settings(f"{servers.SMALL} {settings}")
        frame.__enter__()
        folder = tmp_path / f"house{len(made)}"
        folder.mkdir()
        made.append((found := House(server, var, folder), frame))
        if start:
            embedded.ensure_running(var, on_progress=lambda message: None)
            found.open()
        return found

    with django_db_blocker.unblock():
        try:
            yield make
        finally:
            for found, frame in reversed(made):
                found.close()
                embedded.stop_if_idle(found.server)
                embedded.discard(found.var)
                frame.__exit__(None, None, None)
