"""import_bundle as scripts call it: exit codes, the report where it was asked for, words on standard error."""

import json
import zipfile

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Account
from integrations.models import BundleImport
from tests.imports.bundles import bundle, row, write_csv

pytestmark = pytest.mark.django_db


def run(*words):
    """(exit code, message): as a shell would see them."""
    try:
        call_command("import_bundle", *map(str, words))
    except SystemExit as exit_:
        return exit_.code, ""
    except CommandError as error:
        return error.returncode, str(error)
    return 0, ""


def test_everything_landed_is_0_and_the_report_is_the_file_that_was_asked_for(acme, tmp_path, capsys):
    path = bundle(tmp_path / "b", accounts=[row("accounts")], tickets=[row("tickets")])
    assert run("--tenant", "acme", path, "--json", tmp_path / "report.json") == (0, "")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == {
        "tenant": "acme", "dry_run": False, "refused": None,
        "files": [
            {"file": file, "status": "landed", "read": 1, "created": 1, "updated": 0, "unchanged": 0, "rejected": 0,
             "message": None, "rejected_rows": []}
            for file in ("accounts.csv", "tickets.csv")
        ],
    }  # fmt: skip
    said = capsys.readouterr()
    assert "accounts.csv" in said.out
    assert "rows read" in said.err or "opening" in said.err


def test_the_json_on_standard_output_stands_there_alone(acme, tmp_path, capsys):
    path = bundle(tmp_path / "b", accounts=[row("accounts"), row("accounts", external_id="")], extra="a\n")
    assert run("--tenant", "acme", path, "--json", "-")[0] == 1
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert [(file["file"], file["status"]) for file in report["files"]] == [
        ("accounts.csv", "stopped"), ("extra.csv", "ignored"),
    ]  # fmt: skip
    assert "is empty, but every row needs it" in said.err


def test_rejected_rows_and_refusals_are_1_and_an_ignored_file_is_not(acme, tmp_path):
    rows = [row("accounts", external_id=f"A{n}") for n in range(30)]
    assert run(
        "--tenant", "acme", bundle(tmp_path / "1", accounts=[*rows, row("accounts", employees="x")])
    ) == (1, "")
    assert run("--tenant", "acme", bundle(tmp_path / "2", accounts=rows, unknown="a\n")) == (0, "")
    (tmp_path / "b.zip").write_bytes(b"no zip")
    assert run("--tenant", "acme", tmp_path / "b.zip", "--json", tmp_path / "r.json")[0] == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert "damaged" in report["refused"]
    assert report["files"] == []


def test_an_archive_works_as_well(acme, tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(write_csv(tmp_path / "accounts.csv", [row("accounts")]), "any name/accounts.csv")
    assert run("--tenant", "acme", tmp_path / "b.zip") == (0, "")
    with acme.here():
        assert BundleImport.objects.get().file_name == "b.zip"


def test_a_trial_run_keeps_nothing_at_all(acme, tmp_path, capsys):
    path = bundle(tmp_path / "b", accounts=[row("accounts")])
    assert run("--tenant", "acme", path, "--dry-run") == (0, "")
    assert "nothing was kept" in capsys.readouterr().out
    with acme.here():
        assert not Account.objects.exists()
        assert not BundleImport.objects.exists()


def test_wrong_usage_is_2(acme, tmp_path):
    path = bundle(tmp_path / "b", accounts=[row("accounts")])
    code, words = run("--tenant", "nobody", path)
    assert code == 2
    assert "acme" in words
    code, words = run("--tenant", "acme", tmp_path / "missing")
    assert code == 2
    assert "does not exist" in words
    code, words = run("--tenant", "acme", path, "--json", tmp_path / "no" / "folder.json")
    assert code == 2
    with acme.here():
        assert not BundleImport.objects.exists()


def test_another_import_of_the_tenant_is_1_with_words(acme, tmp_path, test_server):
    import psycopg
    from django.db import connection

    from integrations.importing import run as importing

    path = bundle(tmp_path / "b", accounts=[row("accounts")])
    params = {**test_server.params("app"), "dbname": connection.settings_dict["NAME"]}
    with psycopg.connect(**params, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [importing._LOCK, acme.tenant.pk])
        code, words = run("--tenant", "acme", path)
        assert code == 1
        assert "Another import into acme is running" in words
        other.execute("SELECT pg_advisory_unlock_all()")  # closing would end the session a moment later
    assert run("--tenant", "acme", path) == (0, "")


def test_an_import_that_breaks_off_is_told_on_its_record(acme, tmp_path, monkeypatch):
    from integrations.importing import merge

    real = merge.merge

    def stop_at_tickets(tenant, target, *, staged):
        if target.file.name == "tickets":
            raise KeyboardInterrupt
        return real(tenant, target, staged=staged)

    monkeypatch.setattr(merge, "merge", stop_at_tickets)
    path = bundle(tmp_path / "b", accounts=[row("accounts")], tickets=[row("tickets")])
    with pytest.raises(KeyboardInterrupt):
        run("--tenant", "acme", path)
    with acme.here():
        record = BundleImport.objects.get()
        assert (record.state, record.finished_at is not None) == ("partly", True)
        assert "The command was stopped. What landed before stays." in record.refused
        assert Account.objects.count() == 1
    monkeypatch.undo()
    assert run("--tenant", "acme", path) == (0, ""), "the lock is free again"
