"""Backups that must not be believed, and places that must not be written to.

The whole way there and back, with real processes, is tests/faults/test_restore.py.
"""

import errno
import io
import json
import os
import stat
import tarfile

import pytest
from django.core.management import CommandError, call_command

from config.backups import BackupError, archive, restoring, server
from config.backups.making import fingerprint

MANIFEST = {
    "format": archive.FORMAT,
    "server_version": 180006,
    "migrations": ["tenants.0001_initial"],
    "counts": {},
    "epoch": 1,
    "seals": {},
}


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good"
    with archive.new_file(path) as out:
        out.add(archive.DUMP, [b"PGDMP", b"x" * 5000])
        out.add(f"{archive.UPLOADS}7/bundle.zip", [b"zip"])
        out.finish(MANIFEST)
    return path


def refusal(path, **options):
    with pytest.raises(CommandError) as refused:
        call_command("restore", str(path), stderr=io.StringIO(), **options)
    return str(refused.value), refused.value.returncode


def test_a_whole_file_is_private_and_reads_back(good, tmp_path):
    assert stat.S_IMODE(good.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["good"]
    backup = archive.Reader(good)
    backup.extract(f"{archive.UPLOADS}7/bundle.zip", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"zip"
    with tarfile.open(good) as tar:  # and by anybody's tar
        assert tar.getnames()[0] == archive.MARK


def test_a_file_that_is_not_there_and_a_folder(tmp_path):
    assert refusal(tmp_path / "none") == (f"There is no file {tmp_path / 'none'}.", 2)
    assert refusal(tmp_path)[1] == 2


@pytest.mark.parametrize("content", [b"", b"x" * 4000, b"PK\x03\x04" + b"0" * 900])
def test_a_file_of_another_kind(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    said, code = refusal(path)
    assert "not a backup" in said
    assert code == 1


def test_somebody_elses_tar(tmp_path):
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(__file__, arcname="x")
    assert "not a backup" in refusal(path)[0]


def test_cut_anywhere_it_is_refused(good, tmp_path):
    whole = good.read_bytes()
    for size in {*range(0, len(whole) - 1024, 509), len(whole) - 1025}:
        path = tmp_path / "cut"
        path.write_bytes(whole[:size])
        said, code = refusal(path)
        assert code == 1
        assert any(word in said for word in ("cut off", "damaged", "not a backup")), (size, said)


def test_one_changed_byte_is_found_wherever_it_is(good, tmp_path):
    whole = bytearray(good.read_bytes())
    for place in range(520, len(whole) - 1024, 251):
        changed = bytearray(whole)
        if changed[place] == 0:
            continue  # padding between members is nobody's content
        changed[place] ^= 1
        path = tmp_path / "changed"
        path.write_bytes(changed)
        try:
            backup = archive.Reader(path)
        except BackupError:
            continue
        assert backup.manifest == archive.Reader(good).manifest, (
            place
        )  # a header's owner or time, read by nobody


@pytest.mark.parametrize("name", ["../outside", "/etc/cron.d/x", "uploads/../../x", "link"])
def test_nothing_is_unpacked_outside(tmp_path, name):
    path = tmp_path / "slip"
    with tarfile.open(path, "w") as tar:
        for each in (archive.MARK, name):
            info = tarfile.TarInfo(each)
            if each == "link":
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info, io.BytesIO(b""))
    assert "no backup holds" in refusal(path)[0]


def test_a_member_that_the_list_does_not_name(good, tmp_path):
    with tarfile.open(good, "a") as tar:
        tar.addfile(tarfile.TarInfo("uploads/extra"), io.BytesIO(b""))
    assert "does not name" in refusal(good)[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"server_version": 170002}, "PostgreSQL 17"),
        ({"server_version": 190001}, "PostgreSQL 19"),
        ({"migrations": ["tenants.0001_initial", "tenants.9999_the_future"]}, "newer release"),
        ({"format": 2}, "format 2"),
    ],
)
def test_backups_of_other_versions_are_refused_before_the_database_is_asked(tmp_path, change, words):
    path = tmp_path / "other"
    with archive.new_file(path) as out:
        out.add(archive.DUMP, [b"x"])
        out.finish(MANIFEST | change)
    said, code = refusal(path)
    assert words in said
    assert code == 1


def test_an_existing_file_is_never_written_over(tmp_path):
    path = tmp_path / "mine"
    path.write_text("mine")
    with pytest.raises(CommandError, match="exists already") as refused:
        call_command("backup", str(path))
    assert refused.value.returncode == 1
    assert path.read_text() == "mine"


def test_a_file_that_appears_meanwhile_is_not_written_over_either(tmp_path):
    path = tmp_path / "mine"
    with (
        pytest.raises(BackupError, match="exists already"),
        archive.new_file(path),
    ):
        path.write_text("mine")
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["mine"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="no folder") as refused:
        call_command("backup", str(tmp_path / "no" / "file"))
    assert refused.value.returncode == 2


@pytest.mark.parametrize("number", sorted(archive.NO_ROOM))
def test_a_full_disk_leaves_nothing_behind(tmp_path, number):
    def full():
        yield b"x"
        raise OSError(number, os.strerror(number))

    with pytest.raises(BackupError, match="no room"), archive.new_file(tmp_path / "file") as out:
        out.add(archive.DUMP, full())
    assert os.listdir(tmp_path) == []


def test_other_errors_of_the_disk_are_told_in_words(tmp_path):
    assert "Permission denied" in str(archive.in_words(OSError(errno.EACCES, "Permission denied"), tmp_path))


def test_the_keys_fingerprint_is_not_the_key():
    assert fingerprint("a" * 50) == fingerprint("a" * 50) != fingerprint("a" * 49 + "b")
    assert "a" * 10 not in fingerprint("a" * 50)


def test_their_server_needs_a_pg_dump_of_its_major(monkeypatch, tmp_path):
    """An older pg_dump first on PATH is passed by; without any other the message says what to install."""
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.18 (Debian)'\n")
    old.chmod(0o755)
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@localhost/x")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert server.program("pg_dump") != str(old)

    def none():
        raise server.EmbeddedError("not installed")

    monkeypatch.setattr(server.embedded, "packaged_bin", none)
    with pytest.raises(BackupError, match="is of version 15"):
        server.program("pg_dump")
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 18.1'\n")
    assert server.program("pg_dump") == str(old)


def test_their_server_needs_the_backup_roles_address(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@localhost/x")
    monkeypatch.delenv("HOLDFAST_BACKUP_URL", raising=False)
    with pytest.raises(BackupError, match="HOLDFAST_BACKUP_URL") as refused:
        server.params("backup")
    assert refused.value.usage


@pytest.fixture
def database(test_server, committed_db, monkeypatch, settings):
    """A database of this test's own, seen by `server` in each role."""
    monkeypatch.setattr(server, "params", lambda role: {**test_server.params(role), "dbname": committed_db})
    return test_server


def test_a_table_that_the_backup_role_sees_in_part_is_an_error(database, tmp_path, monkeypatch):
    with server.connect("backup") as connection:
        assert server.hidden_tables(connection) == []
    with server.connect("owner") as connection:
        connection.execute("DROP POLICY backup_reads ON accounts_note")
        connection.execute(
            "CREATE POLICY a_few ON accounts_note FOR SELECT TO holdfast_backup USING (id > 5)"
        )
        connection.execute("REVOKE SELECT ON accounts_product FROM holdfast_backup")
    with pytest.raises(CommandError, match=r"accounts_note, accounts_product; a dump would be partial"):
        call_command("backup", str(tmp_path / "file"), stderr=io.StringIO())
    assert os.listdir(tmp_path) == []


def test_a_database_in_use_or_full_is_not_restored_into(database, good):
    with server.connect("app"):
        said, _ = refusal(good, replace=True)
    assert "stop `manage.py serve` first" in said
    said, _ = refusal(good)
    assert "not empty" in said
    assert "--replace" in said


def test_rights_that_came_by_themselves_are_seen(database):
    """The hash covers grants, policies and forced security: what a restore could lose, or gain."""
    with server.connect("backup") as seen, server.connect("owner") as connection:
        before = server.schema_hash(seen)
        for statement in (
            "GRANT UPDATE ON audit_event TO holdfast_app",
            "ALTER TABLE accounts_note NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY tenant_isolation ON accounts_note",
        ):
            with connection.transaction(force_rollback=True):
                connection.execute(statement)
                assert server.schema_hash(connection) != before, statement


def test_isolation_that_was_lost_is_named(database):
    restoring._check_isolation()
    with server.connect("owner") as connection:
        connection.execute("ALTER TABLE accounts_note NO FORCE ROW LEVEL SECURITY")
    with pytest.raises(BackupError, match="accounts_note"):
        restoring._check_isolation()


def test_the_manifest_is_json_that_a_person_can_read(good):
    with tarfile.open(good) as tar:
        assert json.load(tar.extractfile(archive.MANIFEST))["format"] == archive.FORMAT
