"""The upload, the job behind it, the report, the download: as the person who sends a bundle sees them."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Ticket
from audit.models import AuditEvent
from integrations.importing import job as import_job
from integrations.importing import uploads
from integrations.models import BundleFile, BundleImport
from integrations.services import imports as services
from jobs import runner
from jobs.models import Job
from tests.imports.bundles import bring_in, bundle, row, write_csv

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def upload_dir(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


def packed(tmp_path, **files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, rows in files.items():
            archive.write(write_csv(tmp_path / f"{name}.csv", rows), f"top/{name}.csv")
    return out.getvalue()


def send(client, world, content: bytes, *, name="bundle.zip", **data):
    return client.post(world.url("imports/upload/"), {"bundle": SimpleUploadedFile(name, content), **data})


def left_on_disk(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def revops(client, acme):
    client.force_login(acme.revops.user)
    return client


def test_upload_job_report_and_download(revops, acme, tmp_path, upload_dir):
    tickets = [row("tickets", external_id=f"T{n}") for n in range(19)]
    tickets.append(row("tickets", external_id="TX", priority="=cmd()", subject="+1 bad"))
    answer = send(revops, acme, packed(tmp_path, accounts=[row("accounts")], tickets=tickets))
    assert answer.status_code == 303
    with acme.here():
        imported = BundleImport.objects.get()
        assert (imported.file_name, imported.state, imported.dry_run) == ("bundle.zip", "waiting", False)
        assert imported.size_bytes > 0
        job = Job.objects.get(kind="integrations.import_bundle")
    assert answer["Location"] == acme.url(f"imports/{imported.pk}/")
    stored = Path(imported.path)
    assert stored.parent == upload_dir / str(acme.tenant.pk)
    assert stored.suffix == ".zip"
    waiting = revops.get(answer["Location"])
    assert "Waiting to start" in waiting.text
    assert f'hx-get="{acme.url(f"imports/{imported.pk}/report/")}"' in waiting.text
    with acme.here():
        assert runner.run_now(job.pk).state == "done"
        assert Ticket.objects.count() == 19
        imported.refresh_from_db()
    assert imported.state == "partly"
    assert left_on_disk(upload_dir) == [], "the upload has done its duty"
    page = revops.get(answer["Location"])
    assert "hx-trigger" not in page.text.split('id="import-report"')[1].split(">")[0]
    assert "Landed in part" in page.text
    assert "is not allowed here" in page.text
    assert "=cmd()" in page.text
    download = revops.get(acme.url(f"imports/{imported.pk}/rejected/tickets/"))
    assert "attachment" in download["Content-Disposition"]
    table = list(csv.DictReader(io.StringIO(b"".join(download.streaming_content).decode())))
    assert list(table[0])[:3] == ["external_id", "account_external_id", "opened_at"]
    assert list(table[0])[-4:] == ["rejected_line", "rejected_column", "rejected_reason", "rejected_id"]
    assert (table[0]["external_id"], table[0]["rejected_line"], table[0]["rejected_column"]) == (
        "TX",
        "21",
        "priority",
    )
    assert (table[0]["priority"], table[0]["subject"]) == ("'=cmd()", "'+1 bad")


def test_the_event_log_names_who_sent_it_and_who_took_rows_away(revops, acme, tmp_path):
    bad = [row("accounts", employees="x")]
    send(revops, acme, packed(tmp_path, accounts=bad))
    with acme.here():
        runner.run_now(Job.objects.get(kind="integrations.import_bundle").pk)
        pk = BundleImport.objects.get().pk
    revops.get(acme.url(f"imports/{pk}/rejected/accounts/"))
    with acme.here():
        events = AuditEvent.objects.filter(tenant=acme.tenant, verb__startswith="integrations.").order_by(
            "id"
        )
        told = [(event.verb, event.actor_kind, event.actor_id) for event in events]
    me = str(acme.revops.user_id)
    assert told == [
        ("integrations.import_started", "person", me),
        ("integrations.file_stopped", "person", me),
        ("integrations.bundle_imported", "person", me),
        ("integrations.rejects_downloaded", "person", me),
    ]


def test_a_mended_download_goes_back_in(revops, acme, tmp_path):
    with acme.here():
        acme.tenant.rejected_rows_limit_pct = 50
    accounts = [
        row("accounts", channel="web"),
        row("accounts", external_id="A2", employees="many", channel="fair"),
    ]
    imported = bring_in(acme, bundle(tmp_path / "1", accounts=accounts))["record"]
    download = revops.get(acme.url(f"imports/{imported.pk}/rejected/accounts/"))
    text = b"".join(download.streaming_content).decode().replace("many", "12")
    report = bring_in(acme, bundle(tmp_path / "2", accounts=text))
    assert report["by_file"]["accounts.csv"]["created"] == 1, (report, text)
    with acme.here():
        account = Account.objects.get(external_id="A2")
    assert (account.employees, account.attributes) == (12, {"channel": "fair"})


def test_a_trial_run_shows_what_would_happen(revops, acme, tmp_path):
    answer = send(revops, acme, packed(tmp_path, accounts=[row("accounts")]), dry_run="on")
    with acme.here():
        runner.run_now(Job.objects.get(kind="integrations.import_bundle").pk)
        assert Account.objects.count() == 0
    page = revops.get(answer["Location"]).text
    assert "This is what would happen" in page
    assert "Would land" in page


def test_an_archive_that_is_none_is_refused_on_its_page(revops, acme, upload_dir):
    answer = send(revops, acme, b"PK no zip at all")
    with acme.here():
        runner.run_now(Job.objects.get(kind="integrations.import_bundle").pk)
    page = revops.get(answer["Location"]).text
    assert "Nothing landed." in page
    assert "damaged" in page
    assert "Refused" in revops.get(acme.url("imports/")).text
    assert left_on_disk(upload_dir) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("accounts.csv", b"external_id,name\n", "no .zip and no .tar.gz"),
        ("empty.zip", b"", "The file is empty"),
    ],
)
def test_what_is_no_bundle_is_answered_422_and_not_kept(revops, acme, upload_dir, name, content, words):
    answer = send(revops, acme, content, name=name)
    assert answer.status_code == 422
    assert words in answer.text
    assert "<title>Error: Imports" in answer.text
    assert left_on_disk(upload_dir) == []
    with acme.here():
        assert not BundleImport.objects.exists()


def test_without_a_file_the_form_says_so(revops, acme):
    answer = revops.post(acme.url("imports/upload/"), {})
    assert answer.status_code == 422
    assert "Choose a file first." in answer.text


def test_a_file_over_the_limit_is_answered_413_in_words(revops, acme, settings, upload_dir, monkeypatch):
    settings.UPLOAD_MAX_BYTES = 1000
    monkeypatch.setattr("integrations.views.imports.MB", 1)  # the slack for the form around it, and the unit
    for size in (1001, 100_000):
        answer = send(revops, acme, b"x" * size)
        assert answer.status_code == 413
        assert "larger than 1,000 MB" in answer.text
        assert left_on_disk(upload_dir) == []
    monkeypatch.setattr("integrations.views.imports.MB", 1024**2)  # now only the stream itself can tell
    answer = send(revops, acme, b"x" * 70_000)
    assert answer.status_code == 413
    assert left_on_disk(upload_dir) == []


def test_the_upload_needs_the_token_of_its_form_and_leaves_nothing_without(acme, tmp_path, upload_dir):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(acme.revops.user)
    content = packed(tmp_path, accounts=[row("accounts")])
    assert send(strict, acme, content).status_code == 403
    assert left_on_disk(upload_dir) == []
    strict.get(acme.url("imports/"))
    token = strict.cookies["holdfast_csrf"].value
    assert send(strict, acme, content, csrfmiddlewaretoken=token).status_code == 303
    by_header = strict.post(
        acme.url("imports/upload/"),
        {"bundle": SimpleUploadedFile("b.zip", content)},
        headers={"X-CSRFToken": token},
    )
    assert by_header.status_code == 303


def test_only_the_right_people_upload_and_their_files_go_nowhere_else(
    client, acme, globex, tmp_path, upload_dir
):
    content = packed(tmp_path, accounts=[row("accounts")])
    client.force_login(acme.csm.user)
    assert send(client, acme, content).status_code == 403
    client.force_login(globex.revops.user)
    assert send(client, acme, content).status_code == 404
    assert left_on_disk(upload_dir) == []


def test_imports_of_another_tenant_are_not_there(revops, acme, globex, tmp_path):
    theirs = bring_in(globex, bundle(tmp_path / "theirs-alone", accounts=[row("accounts", employees="x")]))[
        "record"
    ]
    for tail in ("", "report/", "rejected/accounts/"):
        assert revops.get(acme.url(f"imports/{theirs.pk}/{tail}")).status_code == 404
    assert revops.post(acme.url(f"imports/{theirs.pk}/stop/")).status_code == 404
    assert theirs.file_name not in revops.get(acme.url("imports/")).text.split('id="import-list"')[1]


def test_a_long_import_goes_on_in_the_next_job(revops, acme, tmp_path, monkeypatch, upload_dir):
    monkeypatch.setattr(import_job, "SECONDS_A_JOB", -1.0)
    files = {"accounts": [row("accounts")], "contacts": [row("contacts")], "tickets": [row("tickets")]}
    send(revops, acme, packed(tmp_path, **files))
    for done in (1, 2, 3):
        with acme.here():
            newest = Job.objects.filter(kind="integrations.import_bundle").order_by("-pk")[0]
            assert BundleImport.objects.get().job_id == newest.pk
            assert newest.requested_by_id == acme.revops.user_id
            runner.run_now(newest.pk)
            assert BundleFile.objects.count() == done
    with acme.here():
        assert Job.objects.filter(kind="integrations.import_bundle").count() == 3
        assert BundleImport.objects.get().state == "landed"
        assert list(BundleFile.objects.order_by("pk").values_list("created", flat=True)) == [1, 1, 1]
    assert left_on_disk(upload_dir) == []


def test_an_import_waits_for_another_one(revops, acme, tmp_path, monkeypatch):
    from integrations.importing.problems import AnotherImportRuns

    def busy(*args, **options):
        raise AnotherImportRuns("Another import is running.")

    send(revops, acme, packed(tmp_path, accounts=[row("accounts")]))
    monkeypatch.setattr(import_job, "import_bundle", busy)
    with acme.here():
        first = Job.objects.get(kind="integrations.import_bundle")
        assert runner.run_now(first.pk).state == "done"
        second = Job.objects.exclude(pk=first.pk).get(kind="integrations.import_bundle")
        assert second.not_before > first.created_at
        assert BundleImport.objects.get().job_id == second.pk
        monkeypatch.undo()
        runner.run_now(second.pk)


def test_a_lost_upload_says_so(revops, acme, tmp_path, upload_dir):
    answer = send(revops, acme, packed(tmp_path, accounts=[row("accounts")]))
    with acme.here():
        Path(BundleImport.objects.get().path).unlink()
        runner.run_now(Job.objects.get(kind="integrations.import_bundle").pk)
    assert "The uploaded file is no longer there. Upload it again." in revops.get(answer["Location"]).text


def test_a_waiting_import_can_be_stopped_and_a_finished_one_not(revops, acme, tmp_path):
    answer = send(revops, acme, packed(tmp_path, accounts=[row("accounts")]))
    stop = answer["Location"] + "stop/"
    assert revops.post(stop).status_code == 303
    assert "Stopped by" in revops.get(answer["Location"]).text
    with acme.here():
        assert Job.objects.get(kind="integrations.import_bundle").state == "cancelled"
        assert BundleImport.objects.get().state == "refused"
    assert "has already ended" in revops.post(stop, follow=True).text


def test_an_import_whose_job_was_cancelled_elsewhere_does_not_look_alive(revops, acme, tmp_path):
    from jobs import services as jobs

    answer = send(revops, acme, packed(tmp_path, accounts=[row("accounts")]))
    with acme.here():
        jobs.cancel(acme.tenant, job_id=BundleImport.objects.get().job_id, by=acme.actor("ops_admin"))
    page = revops.get(answer["Location"]).text
    assert "hx-trigger" not in page.split('id="import-report"')[1].split(">")[0]
    assert "Stopped" in page
    assert "Stopped" in revops.get(acme.url("imports/")).text


def test_a_failed_job_is_shown_with_its_words(revops, acme, tmp_path):
    answer = send(revops, acme, packed(tmp_path, accounts=[row("accounts")]))
    with acme.here():
        services.mark_running(acme.tenant, bundle_id=BundleImport.objects.get().pk)
        job = Job.objects.get(kind="integrations.import_bundle")
        Job.objects.filter(pk=job.pk).update(
            state="dead", last_error="The disk is full.", finished_at=job.created_at
        )
    page = revops.get(answer["Location"]).text
    assert "The disk is full." in page
    assert "Uploading the same bundle again does the rest" in page
    assert "Failed" in revops.get(acme.url("imports/")).text


def test_old_uploads_are_swept_away(acme, upload_dir):
    import os

    folder = uploads.folder_of(acme.tenant)
    (upload_dir / "unpacked" / "bundle-x").mkdir(parents=True)
    folder.mkdir(parents=True)
    (folder / "old.zip").write_bytes(b"x")
    (folder / "new.zip").write_bytes(b"x")
    for path in (folder / "old.zip", upload_dir / "unpacked" / "bundle-x"):
        os.utime(path, (1, 1))
    uploads.forget_old()
    assert left_on_disk(upload_dir) == ["new.zip"]
    assert not (upload_dir / "unpacked" / "bundle-x").exists()


def test_a_commands_own_file_is_never_deleted(acme, tmp_path, upload_dir):
    path = tmp_path / "theirs.zip"
    path.write_bytes(b"x")
    uploads.forget(str(path))
    uploads.forget("")
    uploads.forget(str(upload_dir / ".." / "theirs.zip"))
    assert path.exists()


def test_pages_cost_the_same_for_one_row_or_many(revops, acme, tmp_path, query_count):
    page, rows = reverse("integrations:imports", args=["acme"]), [row("accounts", employees="x")]
    first = bring_in(acme, bundle(tmp_path / "1", accounts=rows))["record"]
    few = query_count(lambda: revops.get(page))
    few_report = query_count(lambda: revops.get(acme.url(f"imports/{first.pk}/")))
    many = [row("accounts", external_id=f"A{n}", employees="x") for n in range(60)]
    with acme.here():
        for n in range(3):
            services.start_import(
                acme.tenant,
                file_name=f"{n}.zip",
                path="",
                size_bytes=1,
                dry_run=False,
                by=acme.actor("revops"),
            )
    for n in range(3):
        last = bring_in(acme, bundle(tmp_path / f"m{n}", accounts=many, orders=many))["record"]
    assert query_count(lambda: revops.get(page)) == few <= 12
    assert query_count(lambda: revops.get(acme.url(f"imports/{last.pk}/"))) == few_report <= 12
    assert query_count(lambda: revops.get(acme.url(f"imports/{last.pk}/report/"))) <= 10
    assert "the first 50 of 60" in revops.get(acme.url(f"imports/{last.pk}/")).text


def test_the_list_pages_and_is_kind_when_empty(revops, acme):
    assert "No imports yet" in revops.get(acme.url("imports/")).text
    with acme.here():
        for n in range(26):
            services.open_import(acme.tenant, file_name=f"bundle-{n:02d}", path="", by=acme.actor("revops"))
    page = revops.get(acme.url("imports/"))
    assert "imports 1–25 of 26" in page.text
    older = page.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "bundle-00" in revops.get(older).text
    assert revops.get(acme.url("imports/?before=nonsense")).status_code == 404


def test_the_format_page_lists_every_file_and_column(revops, acme):
    from integrations.importing.format import FILES

    text = revops.get(acme.url("imports/format/")).text
    for file in FILES.values():
        assert f'id="file-{file.name}"' in text
        for column in file.columns:
            assert column.name in text
    assert "one of: enterprise, mid_market, smb" in text
    assert "a whole number, 1 to 5" in text
