"""Database roles, database and default privileges, set up the same way on any PostgreSQL 18.

Works for a superuser and for the CREATEROLE + CREATEDB administrator of a managed server, so nothing here
needs BYPASSRLS or a superuser. All of it may be run again at any time. Migrations tighten table by table.

`holdfast_owner` may set `holdfast_search` but does not inherit it, so that policies written `TO
holdfast_search` do not open rows to migrations. A migration therefore grants EXECUTE on a search function
first and gives it away last: `ALTER FUNCTION f(...) OWNER TO holdfast_search`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

MAJOR = 18
DATABASE = "holdfast"
SEARCH = "holdfast_search"
LOGINS = {
    "owner": "holdfast_owner",
    "app": "holdfast_app",
    "worker": "holdfast_worker",
    "backup": "holdfast_backup",
}
# A page gives up early; a job may take its time, but not for ever (PLATFORM 7).
TIMEOUTS: dict[str, dict[str, str]] = {
    "holdfast_app": {
        "statement_timeout": "10s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "30s",
    },
    "holdfast_worker": {
        "statement_timeout": "120s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
    },
}
# One builtin locale everywhere: the same order of names on every server, without an operating-system library.
CREATE_DATABASE: LiteralString = """
CREATE DATABASE {database} OWNER holdfast_owner TEMPLATE template0
ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'
"""
# TEMPORARY: imports stage their rows in a temporary table, because COPY is refused under row-level security.
PRIVILEGES: LiteralString = """
ALTER DATABASE {database} OWNER TO holdfast_owner;
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO holdfast_app, holdfast_worker;
GRANT CONNECT ON DATABASE {database} TO holdfast_backup;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO holdfast_app, holdfast_worker, holdfast_backup, holdfast_search;
GRANT CREATE ON SCHEMA public TO holdfast_search;
ALTER DEFAULT PRIVILEGES FOR ROLE holdfast_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO holdfast_app, holdfast_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE holdfast_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO holdfast_app, holdfast_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE holdfast_owner IN SCHEMA public GRANT SELECT ON TABLES TO holdfast_backup;
ALTER DEFAULT PRIVILEGES FOR ROLE holdfast_owner IN SCHEMA public GRANT SELECT ON SEQUENCES TO holdfast_backup;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
"""
_LOCK = 7_205_118_203_641  # any fixed number: one set-up at a time on a server


class RolesError(Exception):
    """The server cannot be set up; the message says why and what to do."""


def set_up(admin: str, *, database: str = DATABASE, passwords: Mapping[str, str]) -> None:
    """Create or repair the roles and `database`. `passwords` is by short role name; absent ones stay as they are."""
    with _exclusive(admin) as connection:
        check_server(connection)
        ensure_roles(connection, passwords)
        ensure_database(connection, database)
        with psycopg.connect(admin, dbname=database, autocommit=True) as inside:
            ensure_privileges(inside, database)


@contextmanager
def _exclusive(admin: str) -> Iterator[psycopg.Connection]:
    """An administrator's connection holding the set-up lock. CREATE DATABASE needs autocommit."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        yield connection


def check_server(connection: psycopg.Connection) -> None:
    """Raise unless the server is PostgreSQL 18 and the user may create roles and databases."""
    major = connection.info.server_version // 10000
    if major != MAJOR:
        raise RolesError(
            f"The server is PostgreSQL {major}. Holdfast needs {MAJOR}: give the address of one."
        )
    row = connection.execute(
        "SELECT rolsuper OR (rolcreaterole AND rolcreatedb) FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None or not row[0]:
        user = connection.info.user
        raise RolesError(
            f"The user {user} may not create roles and databases. Use the server's administrator, "
            f"or have it run: ALTER ROLE {user} CREATEROLE CREATEDB"
        )


def existing_logins(connection: psycopg.Connection) -> set[str]:
    """Short names of the login roles that the server already has."""
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(LOGINS.values())])
    present = {row[0] for row in rows}
    return {short for short, role in LOGINS.items() if role in present}


def ensure_roles(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """The five roles with their passwords, timeouts and the one membership between them."""
    present = existing_logins(connection)
    for short, role in LOGINS.items():
        if short not in present:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if short in passwords:
            _set_password(connection, role, passwords[short])
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SEARCH]).fetchone():
        connection.execute("CREATE ROLE holdfast_search NOLOGIN")
    _check_attributes(connection)
    for role, settings in TIMEOUTS.items():
        for name, value in settings.items():
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(role), sql.Identifier(name), value)
            )
    connection.execute("GRANT holdfast_search TO holdfast_owner WITH INHERIT FALSE, SET TRUE")


def _set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Send only the SCRAM verifier: a clear password could end up in the server's log."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier.decode()))
    )


def _check_attributes(connection: psycopg.Connection) -> None:
    """An older role of the same name may be too strong, and only a superuser could weaken it: refuse."""
    rows = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
        [[*LOGINS.values(), SEARCH]],
    )
    strong = sorted(row[0] for row in rows)
    if strong:
        raise RolesError(
            f"These roles can bypass tenant isolation: {', '.join(strong)}. As a superuser run for each: "
            "ALTER ROLE … NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION"
        )


def ensure_database(connection: psycopg.Connection, database: str) -> None:
    """The database, owned by holdfast_owner, in UTF-8."""
    _join_owner(connection)
    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s", [database]
    ).fetchone()
    if row is None:
        connection.execute(sql.SQL(CREATE_DATABASE).format(database=sql.Identifier(database)))
    elif row[0] != "UTF8":
        raise RolesError(f"The database {database} is in {row[0]}. Holdfast needs UTF8: drop or rename it.")


def _join_owner(connection: psycopg.Connection) -> None:
    """A managed server's administrator is no superuser: it acts for the owner by membership."""
    connection.execute(
        "DO $$ BEGIN IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN"
        " GRANT holdfast_owner TO CURRENT_USER WITH INHERIT TRUE, SET TRUE; END IF; END $$"
    )


def ensure_privileges(inside: psycopg.Connection, database: str) -> None:
    """Privileges, default privileges and extensions, from a connection to `database` itself."""
    inside.execute(sql.SQL(PRIVILEGES).format(database=sql.Identifier(database)))
    # Last, so that the mark means "all of it": a set-up that was cut off is run again.
    inside.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(_mark()))
    )


def is_current(connection: psycopg.Connection, database: str = DATABASE) -> bool:
    """Whether this version of the set-up has completed for `database`. Any connection to the server will do."""
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [database]
    ).fetchone()
    return row is not None and row[0] == _mark()


def _mark() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"Holdfast, set-up {digest[:16]}"
