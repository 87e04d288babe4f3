"""`manage.py restore FILE`: look at everything first, change something last, then prove what came out of it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from config import env, roles
from config.backups import BackupError, archive, server
from config.backups.making import fingerprint

Say = Callable[[str], None]

# Ours alone: extensions and what belongs to them stay.
OBJECTS = """
SELECT 'TABLE', format('%I.%I', 'public', c.relname), c.relowner::regrole::text FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT 'FUNCTION', p.oid::regprocedure::text, p.proowner::regrole::text FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'SEQUENCE', format('%I.%I', 'public', c.relname), c.relowner::regrole::text FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'a', 'i'))
"""
OTHERS = """
SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
 AND usename IN ('holdfast_app', 'holdfast_worker') ORDER BY 1
"""


def restore(path: Path, *, replace: bool, say: Say) -> dict[str, Any]:
    """Bring the backup back into this installation's database and var folder; what was found and done."""
    started = time.monotonic()
    say("reading the backup and comparing its checksums")
    backup = archive.Reader(path)
    _check_fits(backup.manifest)
    before = _check_target(replace=replace)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=_var()) as folder:
        dump = Path(folder) / "database.dump"
        with _room_for(dump):
            backup.extract(archive.DUMP, dump)
        toc = _table_of_contents(dump)
        if before["objects"]:
            say("removing what the database holds now")
            _remove_all()
        say("restoring the database")
        _restore_database(dump, toc, Path(folder))
    epoch = _raise_epoch(max(before["epoch"], backup.manifest["epoch"]))
    _compare(backup.manifest)
    say("putting the files back")
    files = _restore_files(backup, say)
    _run("migrate", "-v", "0", role="owner")
    say("recomputing the event log's seals")
    _run("audit_verify", role="app")
    _check_isolation()
    return {
        "made_at": backup.manifest["made_at"],
        "epoch": epoch,
        "rows": sum(backup.manifest["counts"].values()),
        "tables": len(backup.manifest["counts"]),
        "tenants": len(backup.manifest["seals"]),
        "files": files,
        "same_secret_key": _same_key(backup),
        "seconds": round(time.monotonic() - started, 2),
    }


def _var() -> Path:
    var = Path(settings.HOLDFAST_VAR)
    var.mkdir(parents=True, exist_ok=True)
    return var


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise archive.in_words(error, path) from error


# --- before anything is changed ------------------------------------------------------------------


def _check_fits(manifest: Mapping[str, Any]) -> None:
    major = int(manifest["server_version"]) // 10000
    if major != roles.MAJOR:
        raise BackupError(
            f"The backup is of PostgreSQL {major}, this installation runs {roles.MAJOR}. Restore it with the "
            "release that made it, and upgrade from there."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}  # type: ignore[union-attr]
    third_party = {name.partition(".")[0] for name in known}
    unknown = [
        name for name in manifest["migrations"] if name not in known and name.partition(".")[0] in third_party
    ]
    if unknown:
        raise BackupError(
            f"The backup was made by a newer release: this one does not know {unknown[-1]}. "
            "Install that release, and restore there."
        )


def _check_target(*, replace: bool) -> dict[str, Any]:
    """Nobody works on it, and it is empty unless it may be replaced."""
    with server.connect("owner") as connection:
        others = _others(connection)
        if others:
            raise BackupError(
                f"{' and '.join(others)} use the database at this moment: stop `manage.py serve` first."
            )
        objects = [name for kind, name, _ in server.rows(connection, OBJECTS) if kind == "TABLE"]
        if objects and not replace:
            raise BackupError(
                f"The database is not empty ({len(objects)} tables). Restore into a new installation "
                "(another HOLDFAST_VAR), or give --replace to delete what is there. Nothing was changed."
            )
        known = "public.audit_installation" in objects
        return {"objects": len(objects), "epoch": server.epoch(connection) if known else 0}


def _others(connection: psycopg.Connection) -> list[str]:
    """Roles at work here. A connection closed just now lingers for a moment: look more than once."""
    for attempt in range(10):
        found = [name for (name,) in server.rows(connection, OTHERS)]
        if not found:
            return []
        time.sleep(0.02 * (attempt + 1))
    return found


def _table_of_contents(dump: Path) -> list[str]:
    """pg_restore's list: also the proof that it can read the file, before anything is removed."""
    done = subprocess.run(
        [server.program("pg_restore"), "--list", dump], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(f"pg_restore cannot read the dump: {done.stderr.strip().splitlines()[-1]}")
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


# --- the change itself ---------------------------------------------------------------------------


def _remove_all() -> None:
    """One transaction: either all of it goes, or nothing."""
    with server.connect("owner") as connection, connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '10s'")
        found = server.rows(connection, OBJECTS)
        for kind in ("TABLE", "FUNCTION", "SEQUENCE"):
            for each, name, owner in found:
                if each == kind:
                    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
                    connection.execute(f"DROP {kind} IF EXISTS {name} CASCADE")  # type: ignore[call-overload]
        connection.execute("RESET ROLE")


def _restore_database(dump: Path, toc: list[str], folder: Path) -> None:
    """As the owner, all or nothing; then the grants that only the search role may give."""
    theirs = [line for line in toc if " ACL " in line and line.endswith(f" {roles.SEARCH}")]
    ours = [line for line in toc if line not in theirs]
    with _no_default_grants():
        _pg_restore(dump, folder / "ours.list", ours, "--single-transaction")
    if theirs:
        _pg_restore(dump, folder / "theirs.list", theirs, f"--role={roles.SEARCH}", "--exit-on-error")
    with server.connect("owner") as connection:
        connection.execute("ANALYZE")


@contextmanager
def _no_default_grants() -> Iterator[None]:
    """A dump only says what was granted. Tables made where grants come by themselves would keep those too:
    the app role could then change the event log."""
    grants = [each.strip() for each in roles.PRIVILEGES.split(";") if "ALTER DEFAULT PRIVILEGES" in each]
    with server.connect("owner") as connection:
        for grant in grants:
            revoke = grant.replace("GRANT ", "REVOKE ").replace(" TO ", " FROM ")
            connection.execute(revoke)  # type: ignore[call-overload]
    try:
        yield
    finally:
        with server.connect("owner") as connection:
            for grant in grants:
                connection.execute(grant)  # type: ignore[call-overload]


def _pg_restore(dump: Path, listed: Path, lines: list[str], *options: str) -> None:
    listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    address, environment = server.client("owner")
    done = subprocess.run(
        [
            *(server.program("pg_restore"), f"--dbname={address}", f"--use-list={listed}"),
            *("--no-comments", *options, str(dump)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise BackupError(
            f"pg_restore failed, and the database is empty now: {' '.join(lines[-4:])[:800]} "
            "Mend the cause and start the restore again."
        )


def _raise_epoch(highest: int) -> int:
    """Restored rows carry transaction ids of another life: an older epoch counts as settled (DECISIONS 4)."""
    with server.connect("owner") as connection:
        connection.execute("UPDATE audit_installation SET epoch = %s", [highest + 1])
        return server.epoch(connection)


def _restore_files(backup: archive.Reader, say: Say) -> int:
    """Uploads and anchors; what stands in their place is put aside, never overwritten."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = 0
    for name in backup.names():
        target = _place(name)
        if target is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if target.exists():
            aside = target.with_name(f"{target.name}.before-{stamp}")
            target.rename(aside)
            if not name.startswith(archive.UPLOADS):
                say(f"{target.name} of before is kept as {aside.name}")
        with _room_for(target):
            backup.extract(name, target)
        number += 1
    return number


def _place(name: str) -> Path | None:
    if name.startswith(archive.UPLOADS):
        return Path(settings.UPLOAD_DIR) / name.removeprefix(archive.UPLOADS)
    if name in (archive.ANCHORS, archive.SECRET):
        return _var() / name
    return None


# --- the proof -----------------------------------------------------------------------------------


def _compare(manifest: Mapping[str, Any]) -> None:
    """Every table has the rows, and the schema the policies and grants, that the backup counted."""
    with server.connect("backup") as connection:
        counts, schema, hidden = (
            server.count_rows(connection),
            server.schema_hash(connection),
            server.hidden_tables(connection),
        )
    wrong = [
        f"{name}: {counts.get(name)} of {number}"
        for name, number in manifest["counts"].items()
        if counts.get(name) != number
    ]
    if wrong:
        raise BackupError(f"The restored rows are not those of the backup: {'; '.join(wrong[:10])}.")
    if schema != manifest["schema_hash"] or hidden:
        raise BackupError(
            "The restored tables, policies or grants differ from the backup's: do not use this database. "
            f"{', '.join(hidden[:10])}"
        )


ISOLATED = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
 AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_isolation')
 AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
UNION ALL
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relispartition
 AND c.relkind = 'r' AND has_table_privilege('holdfast_app', c.oid, 'SELECT')
UNION ALL
SELECT rolname FROM pg_roles WHERE rolname LIKE 'holdfast\\_%' AND (rolsuper OR rolbypassrls)
UNION ALL
SELECT 'no table is isolated' WHERE NOT EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'tenant_isolation')
"""


def _check_isolation() -> None:
    """The catalogue says that tenants are apart, and the app role is refused where it names none."""
    with server.connect("owner") as connection:
        open_ones = [name for (name,) in server.rows(connection, ISOLATED)]
    if open_ones:
        raise BackupError(
            f"Tenants are not isolated in: {', '.join(open_ones[:10])}. Do not use this database."
        )
    with server.connect("app") as connection:
        try:
            connection.execute("SELECT count(*) FROM accounts_account")
        except psycopg.Error:
            return
    raise BackupError("The app role reads accounts without naming a tenant: do not use this database.")


def _run(*command: str, role: str) -> None:
    """Another command of ours, in a process of its own with the role it needs."""
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
        env={**os.environ, "HOLDFAST_DB_ROLE": role},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise BackupError(f"`manage.py {command[0]}` failed after the restore: {' '.join(said[-4:])[:800]}")


def _same_key(backup: archive.Reader) -> bool:
    """Whether stored secrets can be read from the next start on; a variable wins over the restored file."""
    if backup.has(archive.SECRET) and not env.text("HOLDFAST_SECRET_KEY"):
        return True
    return bool(backup.manifest["secret_key"] == fingerprint(settings.SECRET_KEY))
