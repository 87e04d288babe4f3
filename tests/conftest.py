"""The suite runs as the app role, on an embedded server of its own; a template database is cloned a worker."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
TEST_VAR = Path(os.environ["HOLDFAST_VAR"])  # set by tests/settings.py, which pytest-django loads first
TEMPLATE = "holdfast_template"


def _superuser(server, database="postgres"):
    return psycopg.connect(**{**server.params("postgres"), "dbname": database}, autocommit=True)


def _worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def test_server():
    """The embedded server of the tests; it goes on running between runs of the suite, in its own folder."""
    from config import embedded

    return embedded.ensure_running(TEST_VAR, on_progress=lambda message: None)


@pytest.fixture(scope="session")
def template_database(test_server):
    """A database migrated as the owner, which each worker clones. Made anew when a migration file changed."""
    stamp = _migrations_stamp()
    with _superuser(test_server) as admin:
        admin.execute("SELECT pg_advisory_lock(7301)")  # one worker builds, the others wait here
        found = admin.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).fetchone()
        if found is None or found[0] != stamp:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(TEMPLATE)))
            _create_empty(admin, TEMPLATE, test_server)
            _migrate(TEMPLATE)
            admin.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(TEMPLATE), sql.Literal(stamp))
            )
        admin.execute("SELECT pg_advisory_unlock(7301)")
    return TEMPLATE


def _create_empty(admin, name, server):
    from config import roles

    admin.execute(sql.SQL("CREATE DATABASE {} OWNER holdfast_owner").format(sql.Identifier(name)))
    with _superuser(server, name) as inside:
        roles.ensure_privileges(inside, name)


def _migrate(name):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HOLDFAST_DB_ROLE": "owner",
        "HOLDFAST_DB_NAME": name,
    }
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "migrate", "-v", "0"], env=environment, check=True, cwd=ROOT
    )


def _migrations_stamp() -> str:
    import hashlib

    digest = hashlib.sha256()
    for path in sorted(
        [*ROOT.glob("*/migrations/*.py"), ROOT / "tenants/migration_ops.py", ROOT / "config/roles.py"]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def clone_database(server, name):
    with _superuser(server) as admin:
        admin.execute("SELECT pg_advisory_lock(7302)")  # a template can be copied by one session at a time
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER holdfast_owner").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        admin.execute("SELECT pg_advisory_unlock(7302)")


def drop_database(server, name):
    with _superuser(server) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def django_db_setup(test_server, template_database, django_db_blocker):
    """pytest-django's hook: point the app role's connection at this worker's clone."""
    from django.db import connections

    name = f"holdfast_test_{_worker_name()}_{os.getpid()}"
    clone_database(test_server, name)
    with django_db_blocker.unblock():
        connection = connections["default"]
        connection.close()
        connection.settings_dict["NAME"] = name
        _check_role(connection)
        _keep_worlds()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    drop_database(test_server, name)


def _check_role(connection):
    """The suite is worth nothing when it runs as more than the app role."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        name, *powers = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        owned = cursor.fetchone()[0]
    assert name == "holdfast_app", name
    assert not any(powers), f"{name} may do more than the app role: {powers}"
    assert owned == 0, f"{name} owns {owned} tables"


_kept = {}


def _keep_worlds():
    """Before any test: so nothing that a test sets or replaces is in what all of them get."""
    from django.db import transaction

    from tests.kept_worlds import keep

    with transaction.atomic():
        _kept.update({slug: keep(slug) for slug in ("acme", "globex")})
        transaction.set_rollback(True)


def _world(slug):
    """As `make_world` makes it; anew where the database is another one, whose sequences know nothing of the ids."""
    from django.db import connection

    from tests.worlds import make_world

    kept = _kept.get(slug)
    if kept is None or kept.database != connection.settings_dict["NAME"]:
        return make_world(slug)
    return kept.again()


@contextmanager
def committed_database(test_server, django_db_blocker):
    """A database of its own, where commits are real. Never flushed: TRUNCATE is not granted."""
    from django.db import connections

    name = f"holdfast_commit_{_worker_name()}_{os.getpid()}"
    clone_database(test_server, name)
    connection = connections["default"]
    with django_db_blocker.unblock():
        before = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield name
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = before
    drop_database(test_server, name)


@pytest.fixture
def committed_db(test_server, template_database, django_db_setup, django_db_blocker):
    with committed_database(test_server, django_db_blocker) as name:
        yield name


@pytest.fixture
def acme(db):
    return _world("acme")


@pytest.fixture
def globex(db):
    return _world("globex")


@pytest.fixture
def query_count():
    """How many SQL queries a call runs: `query_count(lambda: client.get(url))`.

    Savepoints, the setting of the tenant and the rate limit (with its housekeeping now and then) are the frame
    around every request, not queries of a page.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count(call):
        with CaptureQueriesContext(connection) as captured:
            call()
        limit = ("INSERT INTO tenants_rate_bucket", "DELETE FROM tenants_rate_bucket")
        frame = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO", "SELECT set_config(", *limit)
        return sum(not query["sql"].startswith(frame) for query in captured.captured_queries)

    return count
