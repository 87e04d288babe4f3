"""What each database role may do, and `setup_roles` against a server run by somebody else."""

import json
import os
import subprocess
import sys

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config import roles

from .conftest import ROOT, ask, do

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for the tests that only look."""
    from config import embedded

    var = tmp_path_factory.mktemp("roles") / "var"
    server = embedded.ensure_running(var)
    do(server, "owner", "CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
    yield server
    embedded.discard(var)


def test_no_role_can_bypass_policies(shared):
    with psycopg.connect(**shared.params("app")) as connection:
        rows = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
            " FROM pg_roles WHERE rolname LIKE 'holdfast%' ORDER BY rolname"
        ).fetchall()
    assert rows == [
        ("holdfast_app", True, False),
        ("holdfast_backup", True, False),
        ("holdfast_owner", True, False),
        ("holdfast_search", False, False),
        ("holdfast_worker", True, False),
    ]


@pytest.mark.parametrize("role", ["app", "worker"])
def test_app_and_worker_change_rows_and_nothing_else(shared, role):
    do(
        shared,
        role,
        "INSERT INTO thing (name) VALUES ('a')",
        "UPDATE thing SET name = 'b'",
        "DELETE FROM thing",
    )
    do(shared, role, "CREATE TEMPORARY TABLE stage (n int)")
    for forbidden in (
        "TRUNCATE thing",
        "DROP TABLE thing",
        "ALTER TABLE thing ADD COLUMN more int",
        "CREATE TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "SET ROLE holdfast_owner",
        "SET ROLE holdfast_search",
        "SET session_replication_role = replica",
        "COPY thing TO PROGRAM 'cat'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            do(shared, role, forbidden)


def test_backup_only_reads(shared):
    do(shared, "backup", "SELECT * FROM thing", "SELECT last_value FROM thing_id_seq")
    for forbidden in (
        "INSERT INTO thing (name) VALUES ('a')",
        "DELETE FROM thing",
        "CREATE TABLE mine (n int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            do(shared, "backup", forbidden)


def test_the_owner_gives_functions_to_search_without_sharing_its_rights(shared):
    do(
        shared,
        "owner",
        "ALTER TABLE thing ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE POLICY seen ON thing TO holdfast_search USING (true)",
        "CREATE POLICY added ON thing FOR INSERT TO holdfast_app WITH CHECK (true)",
        "GRANT SELECT ON thing TO holdfast_search",
        "CREATE FUNCTION things() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp"
        " BEGIN ATOMIC SELECT count(*) FROM thing; END",
        "GRANT EXECUTE ON FUNCTION things() TO holdfast_app",
        "ALTER FUNCTION things() OWNER TO holdfast_search",
    )
    do(shared, "app", "INSERT INTO thing (name) VALUES ('a')")
    assert ask(shared, "app", "SELECT things()") == (1,)
    assert ask(shared, "app", "SELECT count(*) FROM thing") == (0,)
    assert ask(shared, "owner", "SELECT count(*) FROM thing") == (0,), "search's policies leaked to the owner"
    do(shared, "owner", "DROP TABLE thing CASCADE", "CREATE TABLE thing (id serial, name text)")


def test_each_role_gives_up_in_time(shared):
    question = (
        "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')"
    )
    assert ask(shared, "app", question) == ("10s", "3s", "30s")
    assert ask(shared, "worker", question) == ("2min", "10s", "1min")
    assert ask(shared, "owner", question) == ("0", "0", "0")


def test_names_sort_the_same_everywhere(shared):
    question = "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = current_database()"
    assert ask(shared, "app", question) == ("b", "C.UTF-8")
    extensions = "SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension"
    assert ask(shared, "app", extensions)[0] == ["btree_gist", "pg_trgm", "plpgsql"]


def test_setting_up_again_changes_nothing(shared):
    admin = make_conninfo(**{**shared.params("postgres"), "dbname": "postgres"})
    roles.set_up(admin, passwords={})
    with psycopg.connect(admin) as connection:
        assert roles.is_current(connection)
    assert ask(shared, "app", "SELECT 1") == (1,)


def test_a_stronger_role_of_the_same_name_is_refused(shared):
    admin = make_conninfo(**{**shared.params("postgres"), "dbname": "postgres"})
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER ROLE holdfast_worker BYPASSRLS")
        try:
            with pytest.raises(roles.RolesError, match="holdfast_worker"):
                roles.set_up(admin, passwords={})
        finally:
            connection.execute("ALTER ROLE holdfast_worker NOBYPASSRLS")


def setup_roles(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", "setup_roles", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def managed(server):
    """A server as providers run it: no roles of ours, and an administrator who is no superuser."""
    with psycopg.connect(
        **{**server.params("postgres"), "dbname": "postgres"}, autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE holdfast")
        for role in (*roles.LOGINS.values(), roles.SEARCH):
            connection.execute(f"DROP ROLE {role}")
        connection.execute("CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'letmein'")
        connection.execute("CREATE ROLE nobody LOGIN PASSWORD 'letmein'")
    return server


def address(server, user: str) -> str:
    return f"postgresql://{user}:letmein@/postgres?host={server.socket_dir}"


def test_setup_roles_on_a_managed_server(managed):
    done = setup_roles("--admin-url", address(managed, "managed"), "--json", "-")
    assert done.returncode == 0, done.stderr
    addresses = json.loads(done.stdout)
    assert set(addresses) == {
        "DATABASE_URL",
        "HOLDFAST_OWNER_URL",
        "HOLDFAST_WORKER_URL",
        "HOLDFAST_BACKUP_URL",
    }
    with psycopg.connect(addresses["HOLDFAST_OWNER_URL"]) as owner:
        owner.execute("CREATE TABLE thing (id int)")
    with psycopg.connect(addresses["DATABASE_URL"]) as app:
        app.execute("INSERT INTO thing VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("TRUNCATE thing")
    again = setup_roles("--admin-url", address(managed, "managed"))
    assert (again.returncode, again.stdout) == (0, "")
    assert "Unchanged" in again.stderr
    with psycopg.connect(addresses["HOLDFAST_WORKER_URL"]):
        pass


def test_setup_roles_says_what_is_wrong(managed):
    weak = setup_roles("--admin-url", address(managed, "nobody"))
    assert (weak.returncode, weak.stdout) == (1, "")
    assert "ALTER ROLE nobody CREATEROLE CREATEDB" in weak.stderr
    away = setup_roles("--admin-url", "postgresql://x:y@127.0.0.1:1/postgres")
    assert away.returncode == 1
    assert "Cannot reach the server" in away.stderr
    assert setup_roles("--admin-url", "no address").returncode == 2
    assert setup_roles().returncode == 2
    for run in (weak, away):
        assert "Traceback" not in run.stderr
