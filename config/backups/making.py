"""`manage.py backup FILE`."""

import hashlib
import importlib.metadata
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from config import gauges
from config.backups import BackupError, archive, server

Say = Callable[[str], None]


def make(path: Path, *, with_secret_key: bool, say: Say) -> dict[str, Any]:
    """Write the whole installation to a new file and return its manifest."""
    started = time.monotonic()
    with archive.new_file(path) as out, server.connect("backup", autocommit=False) as connection:
        # one snapshot for the dump and for the counts beside it, so that they must agree to the row
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _check_sees_all(connection)
        [(snapshot,)] = server.rows(connection, "SELECT pg_export_snapshot()")
        say("writing the database")
        with closing(_dump(snapshot)) as chunks:
            size = out.add(archive.DUMP, chunks)
        say(f"{size:,} bytes; counting the rows that it must hold")
        manifest = _manifest(connection)
        manifest["uploads"] = _add_files(out, say, with_secret_key=with_secret_key)
        manifest["seconds"] = round(time.monotonic() - started, 2)
        out.finish(manifest)
    _note_success(say)
    return manifest


def _note_success(say: Say) -> None:
    """For /metrics, whose alarm tells when nobody made a backup for long."""
    try:
        gauges.backup_note().parent.mkdir(parents=True, exist_ok=True)
        gauges.backup_note().write_text(json.dumps({"at": time.time()}), encoding="utf-8")
    except OSError as error:
        say(f"the backup is whole, but its time could not be noted for /metrics: {error.strerror}")


def _check_sees_all(connection: psycopg.Connection) -> None:
    hidden = server.hidden_tables(connection)
    if hidden:
        raise BackupError(
            f"The backup role does not see all rows of {', '.join(hidden[:10])}; a dump would be partial. "
            "Each needs SELECT and a policy `FOR SELECT TO holdfast_backup USING (true)`."
        )


def _dump(snapshot: str) -> Generator[bytes]:
    """pg_dump's output. Row security stays on: the role's own policy shows it all, as was just checked."""
    address, environment = server.client("backup")
    leave_out = [f"--exclude-table-data=public.{name}" for name in server.NOT_KEPT]
    command = [
        *(server.program("pg_dump"), "--format=custom", "--enable-row-security", "--no-publications"),
        *("--no-subscriptions", f"--snapshot={snapshot}", "--lock-wait-timeout=30s"),
        *(*leave_out, f"--dbname={address}"),
    ]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment) as process:
            assert process.stdout is not None
            try:
                while chunk := process.stdout.read(archive.CHUNK):
                    yield chunk
            except GeneratorExit:  # the disk is full, or Ctrl-C
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            raise BackupError(f"pg_dump failed: {' '.join(lines[-3:])}")


def _manifest(connection: psycopg.Connection) -> dict[str, Any]:
    return {
        "format": archive.FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server_version": connection.info.server_version,
        "packages": {name: importlib.metadata.version(name) for name in ("django", "psycopg")},
        "migrations": server.migrations(connection),
        "schema_hash": server.schema_hash(connection),
        "counts": server.count_rows(connection),
        "not_kept": list(server.NOT_KEPT),
        "epoch": server.epoch(connection),
        "seals": server.seal_heads(connection),
        "secret_key": fingerprint(settings.SECRET_KEY),
    }


def _add_files(out: archive.Writer, say: Say, *, with_secret_key: bool) -> dict[str, int]:
    var = Path(settings.HOLDFAST_VAR)
    anchors = var / "audit-anchors.jsonl"
    if anchors.exists():
        out.add(archive.ANCHORS, archive.contents(anchors))
    if with_secret_key:
        out.add(archive.SECRET, [settings.SECRET_KEY.encode()])
    number = size = 0
    for file in sorted(Path(settings.UPLOAD_DIR).rglob("*")):
        if file.is_symlink() or not file.is_file() or file.suffix == ".part":
            continue
        name = archive.UPLOADS + file.relative_to(settings.UPLOAD_DIR).as_posix()
        try:
            size += out.add(name, archive.contents(file))
        except FileNotFoundError:  # imported and forgotten just now
            raise BackupError(f"{file} went away while it was copied: start the backup again.") from None
        number += 1
    say(f"{number} uploaded files")
    return {"files": number, "bytes": size}


def fingerprint(key: str) -> str:
    """Tells whether two installations share their secret, and is slow to guess from."""
    return hashlib.scrypt(key.encode(), salt=b"holdfast backup", n=2**14, r=8, p=1, dklen=16).hex()
