"""The log as a file: what is in it, who gets it, and that a spreadsheet runs nothing of it."""

import csv
import io
import json
import os
import time

import pytest
from django.urls import reverse

from audit import exports, queries, services
from jobs import runner
from jobs.models import Job
from tenants.access import SYSTEM
from tenants.models import Membership
from tests.worlds import PASSWORD

HTMX = {"HTTP_HX_REQUEST": "true"}


def log_in(client, world, role):
    assert client.login(email=world.people[role].user.email, password=PASSWORD)


def export(client, world, form="csv", **filters):
    """Ask through the page, run the job, and give its row."""
    response = client.post(reverse("audit:export", args=[world.tenant.slug]), {"format": form, **filters})
    assert response.status_code == 303
    with world.here():
        return runner.run_now(Job.objects.latest("pk").pk)


def fetch(client, world, job):
    return client.get(reverse("audit:export_file", args=[world.tenant.slug, job.pk]))


def body(response):
    return b"".join(response.streaming_content).decode()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_file_holds_what_the_filters_show_oldest_first(client, acme, globex, say, form):
    for number in range(5):
        say(acme, f"word {number}", decision_ref="AP-1", object_label="Größe")
    say(acme, "not asked for")
    say(globex, "foreign", decision_ref="AP-1")
    log_in(client, acme, "auditor")
    job = export(client, acme, form, decision="AP-1")
    assert job.state == "done", job.last_error
    answer = fetch(client, acme, job)
    assert f'filename="acme-events-{job.pk}.{form}"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store, private"
    text = body(answer)
    if form == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        words = [row["after"]["word"] for row in rows]
    else:
        rows = list(csv.DictReader(io.StringIO(text)))
        words = [json.loads(row["after"])["word"] for row in rows]
    assert words == [f"word {number}" for number in range(5)]
    assert {row["object_label"] for row in rows} == {"Größe"}
    assert list(rows[0]) == list(exports.COLUMNS)


def test_the_export_itself_is_on_record_once(client, acme, say):
    say(acme, decision_ref="AP-1")
    log_in(client, acme, "manager")
    export(client, acme, "csv", verb="tests.said")
    with acme.here():
        event = queries.events(acme.tenant, acme.auditor, queries.Filters(verb="audit.exported")).get()
    assert event.actor_label == acme.actor("manager").label
    assert event.diff["after"]["filters"] == {"verb": "tests.said"}
    assert event.request_id


def test_a_csm_gets_only_own_accounts(client, acme, say):
    own, other = acme.add_account("Mine"), acme.add_account("Not mine", owner="csm2")
    say(acme, "mine", account_id=own.pk)
    say(acme, "other", account_id=other.pk)
    say(acme, "nobody's")
    log_in(client, acme, "csm")
    text = body(fetch(client, acme, export(client, acme, "jsonl", verb="tests.said")))
    assert [json.loads(line)["after"]["word"] for line in text.splitlines()] == ["mine"]


def test_nobody_else_fetches_the_file(client, acme, globex, say):
    say(acme)
    log_in(client, acme, "auditor")
    job = export(client, acme)
    for role in ("ops_admin", "csm", "manager"):
        log_in(client, acme, role)
        assert fetch(client, acme, job).status_code == 404, role
    log_in(client, acme, "executive")
    assert fetch(client, acme, job).status_code == 403
    log_in(client, globex, "auditor")
    assert client.get(reverse("audit:export_file", args=["globex", job.pk])).status_code == 404
    assert fetch(client, acme, job).status_code == 404


def test_who_lost_the_right_meanwhile_gets_no_file(client, acme, say):
    log_in(client, acme, "auditor")
    client.post(reverse("audit:export", args=["acme"]), {"format": "csv"})
    acme.auditor.is_active = False
    acme.auditor.save()
    with acme.here():
        job = runner.run_now(Job.objects.latest("pk").pk)
    assert (job.state, job.attempts) == ("dead", 1)
    assert "may no longer export" in job.last_error
    assert not exports.path_of(acme.tenant, job.pk, "csv").exists()


@pytest.mark.parametrize("change", [{"role": "csm"}, {"regions": ["EMEA"]}, {"team_id": None}])
def test_a_file_made_with_wider_rights_is_not_handed_out(client, acme, say, change):
    say(acme)
    log_in(client, acme, "auditor")
    job = export(client, acme)
    assert fetch(client, acme, job).status_code == 200
    Membership.objects.filter(pk=acme.auditor.pk).update(**change)
    log_in(client, acme, "auditor")
    assert fetch(client, acme, job).status_code == 403
    Membership.objects.filter(pk=acme.auditor.pk).update(
        role="auditor", regions=[], team_id=acme.auditor.team_id
    )
    assert fetch(client, acme, job).status_code == 200


def test_rights_that_change_while_the_file_is_written_leave_none(client, acme, say, monkeypatch):
    say(acme)
    write = exports._write_file

    def demoted(*args):
        Membership.objects.filter(pk=acme.auditor.pk).update(role="csm")
        return write(*args)

    monkeypatch.setattr(exports, "_write_file", demoted)
    log_in(client, acme, "auditor")
    job = export(client, acme)
    assert (job.state, "Export again" in job.last_error) == ("dead", True)
    assert not exports.path_of(acme.tenant, job.pk, "csv").exists()


def test_a_file_is_readable_by_us_alone_and_goes_after_a_week(client, acme, say):
    log_in(client, acme, "auditor")
    job = export(client, acme)
    path = exports.path_of(acme.tenant, job.pk, "csv")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    exports.forget_old()
    assert path.exists()
    old = time.time() - 8 * 86400
    os.utime(path, (old, old))
    exports.forget_old()
    assert fetch(client, acme, job).status_code == 404


def test_a_job_that_fails_half_way_leaves_no_file(client, acme, say, monkeypatch):
    log_in(client, acme, "auditor")
    monkeypatch.setattr(exports, "as_record", lambda event: 1 / 0)
    job = export(client, acme)
    assert job.state == "queued"
    assert list(exports.path_of(acme.tenant, job.pk, "csv").parent.iterdir()) == []


def test_too_much_at_once_is_refused_in_words(client, acme, say, monkeypatch):
    monkeypatch.setattr(exports, "MOST_EVENTS", 2)
    for _ in range(3):
        say(acme)
    log_in(client, acme, "auditor")
    assert "Narrow the dates" in export(client, acme).last_error


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_is_read_as_a_formula(client, acme, say, lead):
    with acme.here():
        services.record(
            acme.tenant, verb="tests.said", by=SYSTEM, decision_ref=f"{lead}cmd()", object_type=f"{lead}cmd()",
            object_id=f"{lead}cmd()", object_label=f'{lead}HYPERLINK("x","y")', request_id=f"{lead}1",
        )  # fmt: skip
    log_in(client, acme, "auditor")
    text = body(fetch(client, acme, export(client, acme, verb="tests.said")))
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert len(rows) == 1
    assert sum(cell.startswith(f"'{lead}") for cell in rows[0]) == 5
    assert not [cell for cell in rows[0] if cell[:1] == lead]


def test_htmx_gets_the_progress_and_a_bad_format_is_refused(client, acme):
    log_in(client, acme, "auditor")
    address = reverse("audit:export", args=["acme"])
    answer = client.post(address, {"format": "csv"}, **HTMX)
    assert answer.status_code == 200
    assert "hx-get" in answer.text
    assert client.post(address, {"format": "exe"}).status_code == 422
    assert client.get(address).status_code == 405


def test_the_seals_are_checked_on_demand_and_the_page_says_so(client, acme, say):
    log_in(client, acme, "auditor")
    assert client.post(reverse("audit:verify", args=["acme"])).status_code == 303
    with acme.here():
        job = runner.run_now(Job.objects.latest("pk").pk)
    assert job.state == "done", job.last_error
    assert "Intact" in client.get(reverse("audit:log", args=["acme"])).text
    log_in(client, acme, "csm")
    assert client.post(reverse("audit:verify", args=["acme"])).status_code == 403
    assert "Intact" not in client.get(reverse("audit:log", args=["acme"])).text
