"""The database's side: connections by role, PostgreSQL's client programs, and facts that two databases can share."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config import embedded, env, roles
from config.backups import BackupError
from config.embedded_home import EmbeddedError

Params = dict[str, Any]
VARIABLES = {"owner": "HOLDFAST_OWNER_URL", "backup": "HOLDFAST_BACKUP_URL", "app": "DATABASE_URL"}
# Nothing of these is history: sessions would sign people in again, bells are rung anew, the cache fills itself
NOT_KEPT = ("django_session", "django_cache", "django_q_ormq", "django_q_task", "django_q_schedule")

TABLES: LiteralString = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
# A table whose rows the backup role would not see all of makes the dump partial, which must be an error.
HIDDEN: LiteralString = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND (NOT has_table_privilege(current_user, c.oid, 'SELECT')
    OR c.relrowsecurity AND (
       NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive
                   AND p.polcmd IN ('r', '*') AND pg_get_expr(p.polqual, p.polrelid) = 'true'
                   AND (SELECT oid FROM pg_roles WHERE rolname = current_user) = ANY(p.polroles))
       OR EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)))
ORDER BY 1
"""
# Everything that isolation stands on: columns, policies, forced row security, constraints, triggers, grants.
SCHEMA: LiteralString = """
SELECT fact FROM (
  SELECT format('column %s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
     AND NOT a.attisdropped
  UNION ALL SELECT format('security %s %s %s', relname, relrowsecurity, relforcerowsecurity)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  UNION ALL SELECT format('policy %s %s %s %s %s %s', tablename, policyname, permissive,
                          array(SELECT unnest(roles) ORDER BY 1), qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
  UNION ALL SELECT format('constraint %s %s %s %s', conrelid::regclass, conname, convalidated,
                          CASE WHEN contype <> 'c' THEN pg_get_constraintdef(oid) END) -- a CHECK's text changes
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
  UNION ALL SELECT format('trigger %s %s %s', t.tgrelid::regclass, t.tgname, t.tgenabled)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
   WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT format('function %s %s %s %s', p.oid::regprocedure, p.prosecdef, p.proowner::regrole,
                          md5(p.prosrc))
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  UNION ALL SELECT format('may run %s %s', p.oid::regprocedure, x.grantee::regrole)
    FROM pg_proc p, aclexplode(p.proacl) x WHERE p.pronamespace = 'public'::regnamespace
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  UNION ALL SELECT format('grant %s %s %s', c.relname, x.grantee::regrole, x.privilege_type)
    FROM pg_class c, aclexplode(c.relacl) x WHERE c.relnamespace = 'public'::regnamespace
     AND c.relkind IN ('r', 'p', 'S')
  UNION ALL SELECT format('from now on %s %s %s', d.defaclobjtype, x.grantee::regrole, x.privilege_type)
    FROM pg_default_acl d, aclexplode(d.defaclacl) x
) AS facts (fact) ORDER BY fact COLLATE "C"
"""


def params(role: str) -> Params:
    """psycopg's keywords for one role of this installation."""
    if env.text("DATABASE_URL"):
        address = env.text(VARIABLES[role])
        if not address:
            raise BackupError(
                f"DATABASE_URL is set, so {VARIABLES[role]} must be too: `manage.py setup_roles` prints it.",
                usage=True,
            )
        return dict(conninfo_to_dict(address))
    server = embedded.find(settings.HOLDFAST_VAR)
    if server is None:
        raise BackupError("The embedded database does not run.")
    found: Params = dict(server.params(role))
    return found | ({"dbname": env.text("HOLDFAST_DB_NAME")} if env.text("HOLDFAST_DB_NAME") else {})


@contextmanager
def connect(role: str, *, autocommit: bool = True) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(**params(role), autocommit=autocommit, connect_timeout=10) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise BackupError(f"The database does not answer: {str(error).splitlines()[0]}") from error
    except psycopg.Error as error:
        raise BackupError(f"The database refused: {str(error).splitlines()[0]}") from error


def program(name: str) -> str:
    """PostgreSQL's client program of our major version: the server's own, or for theirs the one on PATH."""
    if not env.text("DATABASE_URL"):
        return str(embedded.packaged_bin() / name)
    on_path = shutil.which(name)
    if on_path and _major(on_path) == roles.MAJOR:
        return on_path
    try:
        return str(embedded.packaged_bin() / name)
    except EmbeddedError:
        found = f"{on_path} is of version {_major(on_path)}" if on_path else "there is none on PATH"
        raise BackupError(
            f"{name} of PostgreSQL {roles.MAJOR} is needed, and {found}: "
            f"install postgresql-client-{roles.MAJOR}."
        ) from None


def _major(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\b(\d+)(?:\.\d+)?", said)
    return int(match[1]) if match else 0


def client(role: str) -> tuple[str, dict[str, str]]:
    """Address without password for a command line, and the environment that holds the password."""
    found = params(role)
    password = found.pop("password", "")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return make_conninfo(**found), kept | {"PGPASSWORD": str(password)}


def rows(
    connection: psycopg.Connection, statement: LiteralString, values: Any = None
) -> list[tuple[Any, ...]]:
    return connection.execute(statement, values).fetchall()


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Rows by table, as the backup role, whose policy shows all tenants."""
    counts = {}
    for (name,) in rows(connection, TABLES):
        if name not in NOT_KEPT:
            [found] = connection.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", name))
            ).fetchall()
            counts[name] = int(found[0])
    return counts


def schema_hash(connection: psycopg.Connection) -> str:
    digest = hashlib.sha256()
    for (fact,) in rows(connection, SCHEMA):
        digest.update(f"{fact}\n".encode())
    return digest.hexdigest()


def hidden_tables(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in rows(connection, HIDDEN)]


def migrations(connection: psycopg.Connection) -> list[str]:
    return [
        f"{app}.{name}"
        for app, name in rows(connection, "SELECT app, name FROM django_migrations ORDER BY id")
    ]


def seal_heads(connection: psycopg.Connection) -> dict[str, dict[str, Any]]:
    found = rows(
        connection,
        "SELECT DISTINCT ON (s.tenant_id) t.slug, s.seq, s.seal_hash FROM audit_auditseal s"
        " JOIN tenants_tenant t ON t.id = s.tenant_id ORDER BY s.tenant_id, s.seq DESC",
    )
    return {slug: {"seq": seq, "seal_hash": seal_hash} for slug, seq, seal_hash in found}


def epoch(connection: psycopg.Connection) -> int:
    [(number,)] = rows(connection, "SELECT coalesce(max(epoch), 0) FROM audit_installation")
    return int(number)
