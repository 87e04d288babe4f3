"""Rejected rows: seen, mended in place, brought in again, downloaded and sent back, discarded and put back."""

import csv
import io
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Ticket
from audit.models import AuditEvent
from integrations.importing.format import FILES
from integrations.models import BundleFile, BundleImport, QuarantinedRow
from integrations.queries.quarantine import Chosen
from integrations.services import quarantine as services
from jobs import runner
from jobs.models import Job
from tests.imports.bundles import bring_in, bundle, row, write_csv

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def upload_dir(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


@pytest.fixture
def revops(client, acme):
    client.force_login(acme.revops.user)
    return client


def tickets(*bad, good=40):
    return [row("tickets", external_id=f"T{n}") for n in range(good)] + list(bad)


@pytest.fixture
def imported(acme, tmp_path):
    """Two rejected tickets of 42: a time without a zone, and an account that nobody knows."""
    bad = [
        row("tickets", external_id="X1", opened_at="2026-03-01T09:30:00", subject="=1+1", body="two\nlines"),
        row("tickets", external_id="X2", account_external_id="A9"),
    ]
    return bring_in(acme, bundle(tmp_path / "b", accounts=[row("accounts")], tickets=tickets(*bad)))["record"]


def rows_of(world, **filters):
    with world.here():
        return list(QuarantinedRow.objects.filter(**filters).order_by("pk"))


def posted(client, url, **cells):
    """The form of a row as a browser sends it back, with some cells changed."""
    text = client.get(url).text
    import re

    values = {"version": re.search(r'name="version" value="(\d+)"', text)[1]}
    labels = re.findall(r'<label for="(cell-\d+)-\d+">([^<]+?)<', text)
    for field, name in labels:
        found = re.search(rf'name="{field}"[^>]*?value="([^"]*)"', text, re.S) or re.search(
            rf'<textarea id="{field}-[^>]*>\n(.*?)</textarea>', text, re.S
        )
        values[field] = cells.pop(name.strip(), found[1] if found else "")
    assert not cells, f"no such cells in the form: {cells}"
    return values


def run_jobs(world, kind="integrations.import_bundle"):
    with world.here():
        for job in Job.objects.filter(kind=kind, state="queued").order_by("pk"):
            assert runner.run_now(job.pk).state == "done"


def test_a_row_is_mended_in_place_and_brought_in(revops, acme, imported):
    first, second = rows_of(acme)
    page = revops.get(acme.url(f"imports/{imported.pk}/rows/"))
    assert page.status_code == 200
    assert "tickets.csv, line 42" in page.text
    assert "has no time zone" in page.text
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    form = revops.get(url).text
    marked = form.split('aria-invalid="true"')
    assert len(marked) == 2, "one cell is marked"
    assert "has no time zone" in marked[1]
    # still wrong: 422, the message at the cell, nothing kept
    wrong = revops.post(url, posted(revops, url, opened_at="yesterday"))
    assert wrong.status_code == 422
    assert "is no time" in wrong.text.split('aria-invalid="true"')[1]
    assert rows_of(acme, pk=first.pk)[0].state == "open"
    # right: kept, and landed when it is brought in
    answer = revops.post(url, posted(revops, url, opened_at="2026-03-01T09:30:00Z"))
    assert answer.status_code == 303
    kept = rows_of(acme, pk=first.pk)[0]
    assert (kept.state, kept.version, kept.mended["body"]) == ("mended", 2, "two\nlines")
    assert revops.post(acme.url(f"imports/{imported.pk}/rows/retry/"), {"state": "mended"}).status_code == 303
    run_jobs(acme)
    landed = rows_of(acme, pk=first.pk)[0]
    assert (landed.state, landed.row["opened_at"]) == ("retried", "2026-03-01T09:30:00")
    with acme.here():
        ticket = Ticket.objects.get(external_id="X1")
        assert (ticket.subject, ticket.body) == ("=1+1", "two\nlines")
        again = BundleImport.objects.exclude(pk=imported.pk).get()
        assert (again.retry_of_id, again.state) == (imported.pk, "landed")
        verbs = set(AuditEvent.objects.filter(tenant=acme.tenant).values_list("verb", flat=True))
    assert {"integrations.row_mended", "integrations.file_imported"} <= verbs
    # the same row once more: there is nothing left to bring in
    refused = revops.post(acme.url(f"imports/{imported.pk}/rows/{first.pk}/retry/"))
    assert refused.status_code == 409
    assert rows_of(acme, pk=second.pk)[0].state == "open"


def test_save_and_bring_in_lands_at_once(revops, acme, imported):
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    sent = posted(revops, url, opened_at="2026-03-01T09:30:00Z") | {"then": "retry"}
    assert revops.post(url, sent, headers={"HX-Request": "true"}).status_code == 200
    on_its_way = revops.post(url, sent)
    assert on_its_way.status_code == 409, "it is on its way"
    run_jobs(acme)
    assert rows_of(acme, pk=first.pk)[0].state == "retried"


@pytest.mark.parametrize("opened_at", ["2026-03-01T09:30:00Z", "no day at all"])
def test_a_form_of_a_row_that_was_settled_says_so_whatever_it_holds(revops, acme, imported, opened_at):
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    sent = posted(revops, url, opened_at=opened_at, subject="never kept")
    assert revops.post(f"{url}discard/", {"version": first.version, "why": "a test row"}).status_code == 303
    late = revops.post(url, sent)
    assert late.status_code == 409
    assert "settled meanwhile" in late.text
    assert "never kept" not in late.text
    assert rows_of(acme, pk=first.pk)[0].state == "discarded"


def test_a_stale_form_is_409_and_keeps_what_was_written(revops, acme, imported):
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    sent = posted(revops, url, opened_at="2026-03-01T09:30:00Z", subject="mine")
    assert revops.post(url, posted(revops, url, opened_at="2026-03-02T09:30:00Z")).status_code == 303
    stale = revops.post(url, sent)
    assert stale.status_code == 409
    assert "Somebody changed this row meanwhile" in stale.text
    assert 'value="mine"' in stale.text
    assert rows_of(acme, pk=first.pk)[0].mended["opened_at"] == "2026-03-02T09:30:00Z"


def test_a_row_of_an_account_that_landed_since_is_tried_as_it_stands(revops, acme, imported, tmp_path):
    second = rows_of(acme)[1]
    url = acme.url(f"imports/{imported.pk}/rows/retry/")
    revops.post(url, {"state": "open"})
    run_jobs(acme)
    assert {each.state for each in rows_of(acme)} == {"open"}, "they still do not fit, and no row is doubled"
    bring_in(acme, bundle(tmp_path / "later", accounts=[row("accounts", external_id="A9")]))
    revops.post(url, {"state": "open", "column": "account_external_id"})
    run_jobs(acme)
    assert rows_of(acme, pk=second.pk)[0].state == "retried"
    assert len(rows_of(acme)) == 2
    with acme.here():
        assert Ticket.objects.filter(external_id="X2").count() == 1


def test_two_who_retry_at_once_bring_a_row_in_once(acme, imported, tmp_path):
    bring_in(acme, bundle(tmp_path / "later", accounts=[row("accounts", external_id="A9")]))
    with acme.here():
        one = services.retry_all(acme.tenant, bundle_id=imported.pk, chosen=Chosen(), by=acme.actor("revops"))
        two = services.retry_all(acme.tenant, bundle_id=imported.pk, chosen=Chosen(), by=acme.actor("revops"))
    assert one is not None
    assert two is None
    run_jobs(acme)
    with acme.here():
        assert BundleFile.objects.get(bundle=one).created == 1


def test_rows_whose_retry_died_can_be_tried_again(acme, imported, tmp_path):
    bring_in(acme, bundle(tmp_path / "later", accounts=[row("accounts", external_id="A9")]))
    with acme.here():
        one = services.retry_all(acme.tenant, bundle_id=imported.pk, chosen=Chosen(), by=acme.actor("revops"))
        Job.objects.filter(pk=one.job_id).update(state="dead", finished_at=one.created_at, last_error="gone")
        two = services.retry_all(acme.tenant, bundle_id=imported.pk, chosen=Chosen(), by=acme.actor("revops"))
    assert two is not None
    run_jobs(acme)
    assert [each.state for each in rows_of(acme)] == ["open", "retried"]


def download(client, world, imported, file="tickets"):
    answer = client.get(world.url(f"imports/{imported.pk}/rejected/{file}/"))
    return b"".join(answer.streaming_content).decode()


def test_a_mended_download_settles_its_rows_and_doubles_none(revops, acme, imported, tmp_path):
    first, second = rows_of(acme)
    table = list(csv.DictReader(io.StringIO(download(revops, acme, imported))))
    assert [each["rejected_id"] for each in table] == [str(first.pk), str(second.pk)]
    assert table[0]["subject"] == "'=1+1"
    table[0]["opened_at"] = "2026-03-01T09:30:00Z"
    table[1] |= {"opened_at": "no time", "account_external_id": "A1"}
    with acme.here():
        acme.tenant.rejected_rows_limit_pct = 50
        report = bring_in(acme, bundle(tmp_path / "mended", tickets=table))
    assert report["by_file"]["tickets.csv"]["created"] == 1
    after = rows_of(acme)
    assert [each.state for each in after] == ["retried", "open"]
    assert (after[1].column, after[1].value) == ("opened_at", "no time")
    assert "body" not in table[0], "the person who took it away may not see bodies"
    with acme.here():
        ticket = Ticket.objects.get(external_id="X1")
    assert (ticket.subject, ticket.body) == ("=1+1", "two\nlines"), "what was left out is not lost"


def sent_back(world, folder, *rows):
    """An import of tickets by somebody who may not see bodies; what each of them holds afterwards."""
    with world.here():
        world.tenant.rejected_rows_limit_pct = 100
        bring_in(world, bundle(folder, tickets=list(rows)))
        return dict(Ticket.objects.values_list("external_id", "body"))


def test_an_id_brings_what_was_covered_to_no_other_row(acme, imported, tmp_path):
    """Whoever sends the file chooses the id: the body of a kept row must not land where it never was."""
    first = rows_of(acme)[0]
    steal = row("tickets", external_id="T1", rejected_id=str(first.pk))
    assert sent_back(acme, tmp_path / "one", steal)["T1"] == ""
    # nor in two steps: rejected again under the other key, then sent once more
    wrong = steal | {"external_id": "T2", "opened_at": "no time"}
    sent_back(acme, tmp_path / "two", wrong)
    assert sent_back(acme, tmp_path / "three", wrong | {"opened_at": steal["opened_at"]})["T2"] == ""


def test_a_key_that_was_at_fault_itself_may_be_mended_in_the_download(acme, tmp_path):
    accounts = [row("accounts"), row("accounts", external_id="A2")]
    bad = row("tickets", external_id="", body="a secret")
    bring_in(acme, bundle(tmp_path / "b", accounts=accounts, tickets=tickets(bad)))
    kept = rows_of(acme)[0]
    assert kept.column == "external_id"
    mended = row("tickets", external_id="N1", rejected_id=str(kept.pk))
    elsewhere = mended | {"external_id": "T3", "account_external_id": "A2", "opened_at": "no time"}
    sent_back(acme, tmp_path / "other", elsewhere)
    assert "a secret" not in str(rows_of(acme)[0].mended), "another account's row gets none of it"
    with acme.here():
        QuarantinedRow.objects.filter(pk=kept.pk).update(mended=None, column="external_id", state="open")
    assert sent_back(acme, tmp_path / "m", mended)["N1"] == "a secret"
    assert rows_of(acme)[0].state == "retried"
    # landed: the id is spent, for any other key
    assert sent_back(acme, tmp_path / "again", mended | {"external_id": "T4"})["T4"] == ""


def test_an_id_of_another_tenant_or_file_settles_nothing(acme, globex, imported, tmp_path):
    first = rows_of(acme)[0]
    theirs = [row("accounts", rejected_id=str(first.pk))]
    assert (
        bring_in(globex, bundle(tmp_path / "g", accounts=theirs))["by_file"]["accounts.csv"]["created"] == 1
    )
    ours = [
        row("accounts", rejected_id=str(first.pk)),
        row("accounts", external_id="A2", rejected_id="9" * 40),
    ]
    assert bring_in(acme, bundle(tmp_path / "o", accounts=ours))["by_file"]["accounts.csv"]["created"] == 1
    assert rows_of(acme, pk=first.pk)[0].state == "open"


CELL = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=12)


ODD = st.tuples(CELL, CELL, st.sampled_from(["odd", "=x", "'=x", "o,d"]))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ODD, min_size=5, max_size=5))
@example(rows=[("'=x", "''+1", "'=x"), ("-1", "＝x", "odd")])
def test_what_a_rejected_row_held_is_what_lands(acme, tmp_path, rows):
    """Whatever a spreadsheet would make of the download, the way through it and back is exact."""
    from integrations.importing.rejects import rejected_as_csv

    with acme.here():
        Account.objects.all().delete()
        acme.tenant.rejected_rows_limit_pct = 100
        bad = [
            row("accounts", external_id=f"Q{n}", employees="x", domain=domain, **{name: odd})
            for n, (domain, odd, name) in enumerate(rows)
        ]
        record = bring_in(acme, bundle(tmp_path / "b", accounts=bad))["record"]
        found = QuarantinedRow.objects.filter(bundle=record)
        for one in found:
            one.mended = {**one.row, "employees": "5"}
            one.save()
        mended = rejected_as_csv(FILES["accounts"], found).read()
        bring_in(acme, bundle(tmp_path / "b", accounts=mended))
        for n, (domain, odd, name) in enumerate(rows):
            account = Account.objects.get(external_id=f"Q{n}")
            assert account.domain == domain
            assert account.attributes == ({name: odd} if odd else {})


def test_discard_with_a_reason_and_put_back(revops, acme, imported):
    first, second = rows_of(acme)
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/discard/")
    assert revops.post(url, {"version": 1, "why": " "}).status_code == 422
    assert revops.post(url, {"version": 7, "why": "gone"}).status_code == 409
    assert revops.post(url, {"version": 1, "why": "The ticket was a test."}).status_code == 303
    kept = rows_of(acme, pk=first.pk)[0]
    assert (kept.state, kept.resolution) == ("discarded", "The ticket was a test.")
    back = acme.url(f"imports/{imported.pk}/rows/{first.pk}/back/")
    assert revops.post(back, {"version": 1}).status_code == 409
    assert revops.post(back, {"version": 2}).status_code == 303
    assert rows_of(acme, pk=first.pk)[0].state == "open"
    # all that match, with one reason
    every = acme.url(f"imports/{imported.pk}/rows/discard/")
    assert revops.post(every, {"column": "opened_at"}).status_code == 422
    assert revops.post(every, {"column": "opened_at", "why": "old"}).status_code == 303
    assert [each.state for each in rows_of(acme)] == ["discarded", "open"]
    assert revops.post(every, {"why": "all"}).status_code == 303
    page = revops.get(acme.url(f"imports/{imported.pk}/rows/?state=discarded")).text
    assert "All rows are settled" in page
    assert "old" in page
    revops.post(acme.url(f"imports/{imported.pk}/rows/back/"), {"state": "discarded", "column": "opened_at"})
    assert [each.state for each in rows_of(acme)] == ["open", "discarded"]
    with acme.here():
        told = list(
            AuditEvent.objects.filter(tenant=acme.tenant, verb__contains="discarded")
            .order_by("id")
            .values_list("verb", flat=True)
        )
    assert told == ["integrations.row_discarded", *["integrations.rows_discarded"] * 2]
    assert second.pk


def test_filters_pages_and_empty_states(revops, acme, tmp_path, query_count):
    bad = [row("tickets", external_id=f"B{n}", csat="9", closed_at="2026-03-02T00:00:00Z") for n in range(60)]
    good = [row("tickets", external_id=f"G{n}") for n in range(1500)]
    record = bring_in(
        acme,
        bundle(
            tmp_path / "b",
            accounts=[row("accounts")],
            tickets=[*good, *bad, row("tickets", external_id="Z", opened_at="x")],
        ),
    )["record"]
    url = acme.url(f"imports/{record.pk}/rows/")
    page = revops.get(url)
    assert "rows 1–25 of 61" in page.text
    older = page.context["places"]["older"]
    second = revops.get(older)
    assert "rows 26–50 of 61" in second.text
    assert "rows 1–25 of 61" in revops.get(second.context["places"]["newer"]).text
    one = revops.get(url, {"column": "opened_at"})
    assert "rows 1–1 of 1" in one.text or "1 of 1" in one.text
    assert "No rows match these filters" in revops.get(url, {"column": "nothing"}).text
    assert revops.get(url, {"after": "abc"}).status_code == 404
    listed = revops.get(acme.url(f"imports/{record.pk}/rows/list/"), {"column": "opened_at"})
    assert listed["HX-Push-Url"] == f"{url}?column=opened_at"
    assert query_count(lambda: revops.get(url)) <= 14
    few = query_count(lambda: revops.get(url, {"column": "opened_at"}))
    assert query_count(lambda: revops.get(url)) <= few + 1
    clean = bring_in(acme, bundle(tmp_path / "c", accounts=[row("accounts")]))["record"]
    assert "No row was rejected" in revops.get(acme.url(f"imports/{clean.pk}/rows/")).text


def upload(client, world, tmp_path, **files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, rows in files.items():
            archive.write(write_csv(tmp_path / f"{name}.csv", rows), f"{name}.csv")
    out.seek(0)
    out.name = "b.zip"
    assert client.post(world.url("imports/upload/"), {"bundle": out}).status_code == 303
    run_jobs(world)
    with world.here():
        return BundleImport.objects.order_by("-pk")[0]


def test_a_stopped_file_comes_in_whole_once_its_rows_are_mended(revops, acme, tmp_path, upload_dir):
    bad = [row("tickets", external_id=f"X{n}", opened_at="never") for n in range(3)]
    record = upload(revops, acme, tmp_path, accounts=[row("accounts")], tickets=tickets(*bad, good=20))
    with acme.here():
        assert Ticket.objects.count() == 0
    first, second, third = rows_of(acme)
    page = acme.url(f"imports/{record.pk}/rows/")
    assert "Nothing of tickets.csv landed" in revops.get(page).text
    assert revops.post(f"{page}{first.pk}/retry/").status_code == 409, "not alone"
    url = f"{page}{first.pk}/"
    assert revops.post(url, posted(revops, url, opened_at="2026-03-01T09:30:00Z")).status_code == 303
    assert revops.post(f"{page}{second.pk}/discard/", {"version": 1, "why": "a test"}).status_code == 303
    assert revops.post(f"{page}again/").status_code == 303
    run_jobs(acme)
    with acme.here():
        assert Ticket.objects.count() == 21, "20 good ones and the mended one; one of 22 is still rejected"
        again = BundleFile.objects.exclude(bundle=record).get()
    assert (again.status, again.read, again.created, again.rejected) == ("landed", 22, 21, 1)
    assert [each.state for each in rows_of(acme)] == ["retried", "discarded", "open"]
    assert len(rows_of(acme)) == 3
    # now that the file has landed, the last row comes in alone
    url = f"{page}{third.pk}/"
    sent = posted(revops, url, opened_at="2026-03-01T09:30:00Z") | {"then": "retry"}
    assert revops.post(url, sent).status_code == 303
    run_jobs(acme)
    with acme.here():
        assert Ticket.objects.count() == 22
    assert "Nothing of tickets.csv landed" not in revops.get(page).text


def test_rows_of_a_trial_run_are_looked_at_only(revops, acme, tmp_path):
    record = bring_in(
        acme,
        bundle(tmp_path / "b", accounts=[row("accounts"), row("accounts", external_id="B", employees="x")]),
        dry_run=True,
    )["record"]
    one = rows_of(acme)[0]
    page = revops.get(acme.url(f"imports/{record.pk}/rows/")).text
    assert "This was a trial run" in page
    assert ">Mend<" not in page
    assert (
        revops.post(acme.url(f"imports/{record.pk}/rows/{one.pk}/back/"), {"version": 1}).status_code == 409
    )


def test_a_row_with_too_few_cells_is_mended_by_its_columns(revops, acme, tmp_path):
    text = "external_id,account_external_id,opened_at,subject\n" + "".join(
        f"T{n},A1,2026-03-01T09:30:00Z,ok\n" for n in range(30)
    )
    record = bring_in(acme, bundle(tmp_path / "b", accounts=[row("accounts")], tickets=text + "TX,A1\n"))[
        "record"
    ]
    one = rows_of(acme)[0]
    url = acme.url(f"imports/{record.pk}/rows/{one.pk}/")
    assert "The row has 2 cells, the header has 4" in revops.get(url).text
    assert revops.post(f"{url}retry/").status_code == 409
    sent = posted(revops, url, opened_at="2026-03-01T09:30:00Z", subject="short") | {"then": "retry"}
    assert revops.post(url, sent).status_code == 303
    run_jobs(acme)
    with acme.here():
        assert Ticket.objects.get(external_id="TX").subject == "short"


def test_cells_under_the_wrong_columns_are_shown_to_nobody_who_may_not_see_the_file_s_words(
    client, acme, tmp_path
):
    """An unquoted comma moves the body out of its column; the rule for bodies goes with it."""
    folder = bundle(
        tmp_path / "b", accounts=[row("accounts")], tickets=tickets(row("tickets", external_id="X1"))
    )
    path = next(folder.glob("tickets.csv"))
    lines = path.read_text().splitlines()
    width = len(lines[0].split(","))
    lines += ["X8," * width + "a secret body", "X9,another secret body"]
    path.write_text("\n".join(lines) + "\n")
    imported = bring_in(acme, folder)["record"]
    broken = rows_of(acme, column="")
    assert len(broken) == 2
    client.force_login(acme.people["ops_admin"].user)  # may import, may not open bodies
    places = [
        f"imports/{imported.pk}/",
        f"imports/{imported.pk}/rows/",
        f"imports/{imported.pk}/rejected/tickets/",
    ]
    places += [f"imports/{imported.pk}/rows/{each.pk}/" for each in broken]
    places += [f"imports/{imported.pk}/rows/{each.pk}/form/" for each in broken]
    for place in places:
        answer = client.get(acme.url(place))
        text = b"".join(answer).decode() if answer.streaming else answer.text
        assert answer.status_code == 200, place
        assert "secret body" not in text, place
    with acme.here():
        QuarantinedRow.objects.filter(pk=broken[0].pk).update(file="subscriptions.csv")
    assert "secret body" in client.get(acme.url(f"imports/{imported.pk}/rows/{broken[0].pk}/")).text
