"""What an import does to the tables: idempotent, an empty cell keeps, a file lands whole or not at all."""

import json

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import (
    Account,
    Activity,
    Contact,
    ContactChange,
    Opportunity,
    OpportunityChange,
    Subscription,
    Ticket,
    UsageDay,
    UsageDetail,
)
from audit.models import AuditEvent
from integrations.importing import merge
from integrations.models import BundleFile, BundleImport, QuarantinedRow
from tests.imports.bundles import VALID, bring_in, bundle, counts, row

pytestmark = pytest.mark.django_db


def everything(tmp_path, name="all"):
    return bundle(tmp_path / name, **{file: [row(file)] for file in VALID})


def usage(world, **filters):
    return list(UsageDay.objects.filter(tenant=world.tenant, **filters).order_by("account_id", "day"))


# --- twice the same, and changes --------------------------------------------------------------------


def test_the_same_bundle_twice_changes_nothing(acme, tmp_path):
    path = everything(tmp_path)
    first, second = bring_in(acme, path), bring_in(acme, path)
    for file in VALID:
        assert counts(first, file) == (1, 1, 0, 0, 0), file
        assert counts(second, file) == (1, 0, 0, 1, 0), file


def test_an_unchanged_row_is_not_even_touched(acme, tmp_path):
    path = everything(tmp_path)
    bring_in(acme, path)
    with acme.here(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ctid, recorded_at FROM accounts_ticket UNION ALL SELECT ctid, recorded_at FROM accounts_account"
        )
        before = cursor.fetchall()
        bring_in(acme, path)
    with acme.here(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ctid, recorded_at FROM accounts_ticket UNION ALL SELECT ctid, recorded_at FROM accounts_account"
        )
        assert cursor.fetchall() == before


def test_a_changed_row_updates_and_the_report_counts_each_kind(acme, tmp_path):
    rows = [row("accounts", external_id=f"A{n}", name=f"Name {n}") for n in range(5)]
    bring_in(acme, bundle(tmp_path / "1", accounts=rows))
    rows[0]["name"], rows[1]["plan"] = "Changed", "Business"
    report = bring_in(acme, bundle(tmp_path / "2", accounts=[*rows, row("accounts", external_id="A9")]))
    assert counts(report, "accounts") == (6, 1, 2, 3, 0)
    with acme.here():
        account = Account.objects.get(external_id="A0")
        assert (account.name, account.version) == ("Changed", 2)
        assert Account.objects.get(external_id="A2").version == 1


def test_another_role_or_title_is_kept_with_its_day(acme, tmp_path):
    """A first value is no change, nor is an empty cell, other capitals, or a column that is not there."""
    people = [row("contacts", external_id=each, role="champion", title="Head of IT") for each in "ABC"]
    files = {"accounts": [row("accounts")]}
    bring_in(acme, bundle(tmp_path / "1", contacts=[*people, row("contacts", external_id="D")], **files))
    people[0] |= {"role": "user", "title": "Adviser"}
    people[1] |= {"role": "", "title": " head of it"}
    people[2] |= {"title": "CIO"}
    news = [
        *people,
        row("contacts", external_id="D", role="user", title="Clerk"),
        row("contacts", external_id="E"),
    ]
    again = bundle(tmp_path / "2", contacts=news, **files)
    bring_in(acme, again, dry_run=True)
    with acme.here():
        assert not ContactChange.objects.exists()
    started = timezone.now()
    for path in (
        again,
        again,
        bundle(tmp_path / "3", contacts=[row("contacts", external_id="A", name="Else")]),
    ):
        bring_in(acme, path)
    with acme.here():
        found = ContactChange.objects.order_by("contact__external_id", "field")
        assert list(found.values_list("contact__external_id", "field", "old", "new")) == [
            ("A", "role", "champion", "user"),
            ("A", "title", "Head of IT", "Adviser"),
            ("C", "title", "Head of IT", "CIO"),
        ]
        assert all(started <= each.changed_at <= timezone.now() for each in found)


def test_an_empty_cell_and_an_absent_column_keep_what_was_known(acme, tmp_path):
    full = row(
        "accounts",
        domain="a.example",
        employees="5",
        strategic="true",
        segment="smb",
        owner_email="x@y.example",
    )
    contact = row("contacts", title="CTO", joined_at="2025-01-01T00:00:00Z", time_zone="Europe/Berlin")
    activity = row("activities", contact_external_ids="C1", body="Long talk")
    detail = row("usage_detail", contact_external_id="C1")
    path = bundle(
        tmp_path / "1", accounts=[full], contacts=[contact], activities=[activity], usage_detail=[detail]
    )
    bring_in(acme, path)
    blank = {**dict.fromkeys(full, ""), **row("accounts", name="New name")}
    second = bundle(
        tmp_path / "2",
        accounts=[blank],
        contacts=[row("contacts", name="", title="")],
        activities=[row("activities", contact_external_ids="", subject="Call")],
    )
    report = bring_in(acme, second)
    assert counts(report, "accounts")[2] == counts(report, "activities")[2] == 1
    assert counts(report, "contacts") == (1, 0, 0, 1, 0)
    with acme.here():
        account, person, call = Account.objects.get(), Contact.objects.get(), Activity.objects.get()
    assert (account.name, account.domain, account.employees) == ("New name", "a.example", 5)
    assert (account.strategic, account.segment, account.owner_email) == (True, "smb", "x@y.example")
    assert (person.title, person.time_zone, person.name) == ("CTO", "Europe/Berlin", "Ana Ruiz")
    assert (call.contact_external_ids, call.body, call.subject) == (["C1"], "Long talk", "Call")


def test_an_empty_cell_is_not_known_and_never_zero(acme, tmp_path):
    bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts", employees="", strategic="")],
                          usage_daily=[row("usage_daily", logins="", sessions="0")]))  # fmt: skip
    with acme.here():
        account, (day,) = Account.objects.get(), usage(acme)
    assert account.employees is None
    assert account.strategic is None
    assert (day.logins, day.sessions, day.api_calls) == (None, 0.0, None)


# --- usage ------------------------------------------------------------------------------------------


def test_further_metrics_are_taken_as_they_are_and_an_update_keeps_the_others(acme, tmp_path):
    name = 'odd "metric", with é\'s %s {x}'
    first = [row("usage_daily", **{name: "1.5", "reports_made": "7"})]
    bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts")], usage_daily=first))
    with acme.here():
        (day,) = usage(acme)
    assert day.extra == {name: 1.5, "reports_made": 7}
    second = bring_in(
        acme, bundle(tmp_path / "2", usage_daily=[row("usage_daily", **{name: "2", "seats_used": "3"})])
    )
    assert counts(second, "usage_daily") == (1, 0, 1, 0, 0)
    with acme.here():
        (day,) = usage(acme)
    assert day.extra == {name: 2, "reports_made": 7, "seats_used": 3}
    assert day.logins == 5
    third = bring_in(acme, bundle(tmp_path / "3", usage_daily=[row("usage_daily", reports_made="")]))
    assert counts(third, "usage_daily") == (1, 0, 0, 1, 0)


def test_more_metrics_than_one_call_of_a_function_takes(acme, tmp_path):
    metrics = {f"metric_{n}": str(n) for n in range(130)}
    path = bundle(tmp_path / "1", accounts=[row("accounts")], usage_daily=[row("usage_daily", **metrics)])
    assert counts(bring_in(acme, path), "usage_daily") == (1, 1, 0, 0, 0)
    with acme.here():
        assert usage(acme)[0].extra == {name: int(value) for name, value in metrics.items()}
    assert counts(bring_in(acme, path), "usage_daily") == (1, 0, 0, 1, 0)


def test_usage_lands_in_months_that_had_no_place_yet(acme, tmp_path):
    days = ["1991-02-28", "2031-01-31", "2031-02-01"]
    path = bundle(
        tmp_path / "1", accounts=[row("accounts")], usage_daily=[row("usage_daily", date=d) for d in days]
    )
    assert counts(bring_in(acme, path), "usage_daily") == (3, 3, 0, 0, 0)
    with acme.here():
        assert [day.day.isoformat() for day in usage(acme)] == days


def test_usage_detail_is_matched_by_all_its_key_columns_also_where_they_are_empty(acme, tmp_path):
    rows = [
        row("usage_detail", feature="export"),
        row("usage_detail", feature=""),
        row("usage_detail", feature="export", product="Core"),
        row("usage_detail", feature="export", contact_external_id="C1"),
    ]
    path = bundle(tmp_path / "1", accounts=[row("accounts")], contacts=[row("contacts")], usage_detail=rows)
    assert counts(bring_in(acme, path), "usage_detail") == (4, 4, 0, 0, 0)
    rows[1]["count"] = "9"
    report = bring_in(acme, bundle(tmp_path / "2", usage_detail=rows))
    assert counts(report, "usage_detail") == (4, 0, 1, 3, 0)
    without_columns = [{"account_external_id": "A1", "date": "2026-03-01", "count": "11"}]
    report = bring_in(acme, bundle(tmp_path / "3", usage_detail=without_columns))
    assert counts(report, "usage_detail") == (1, 0, 1, 0, 0)
    with acme.here():
        rows = UsageDetail.objects.filter(tenant=acme.tenant, feature="", product="", contact_external_id="")
        assert rows.get().count == 11


# --- doubles ----------------------------------------------------------------------------------------


def test_identical_rows_land_once_and_contradicting_ones_not_at_all(acme, tmp_path):
    acme.tenant.rejected_rows_limit_pct = 100
    tickets = [
        row("tickets", external_id="T1", subject="Same", opened_at="2026-03-01T09:30:00Z"),
        row("tickets", external_id="T2", subject="One"),
        row("tickets", external_id="T1", subject="Same", opened_at="2026-03-01T10:30:00+01:00"),
        row("tickets", external_id="T2", subject="Two"),
        row("tickets", external_id="t1", subject="Ids are case-sensitive"),
        row("tickets", external_id="T2", subject="One"),
    ]
    report = bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts")], tickets=tickets))
    assert counts(report, "tickets") == (6, 2, 0, 1, 3)
    rejected = report["by_file"]["tickets.csv"]["rejected_rows"]
    assert [(r["line"], r["column"], r["value"]) for r in rejected] == [
        (n, "external_id", "T2") for n in (3, 5, 7)
    ]
    assert all("says something else" in r["reason"] for r in rejected)
    with acme.here():
        assert sorted(Ticket.objects.values_list("external_id", flat=True)) == ["T1", "t1"]
        kept = QuarantinedRow.objects.get(line=5)
    assert kept.row["subject"] == "Two"


def test_a_row_that_cannot_land_still_contradicts_another_of_its_id(acme, tmp_path):
    acme.tenant.rejected_rows_limit_pct = 100
    tickets = [
        row("tickets", subject="Right"),
        row("tickets", opened_at="yesterday"),
        row("tickets", external_id="T2"),
    ]
    report = bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts")], tickets=tickets))
    assert counts(report, "tickets") == (3, 1, 0, 0, 2)
    assert [r["line"] for r in report["by_file"]["tickets.csv"]["rejected_rows"]] == [2, 3]


def test_doubles_are_found_across_chunks_and_composite_keys(acme, tmp_path, monkeypatch):
    from integrations.importing import reading

    monkeypatch.setattr(reading, "BLOCK", 200)
    acme.tenant.rejected_rows_limit_pct = 100
    days = [row("usage_daily", date=f"2026-03-{n:02d}", logins=str(n)) for n in range(1, 29)]
    again, other = dict(days[3]), {**days[7], "logins": "99"}
    path = bundle(tmp_path / "1", accounts=[row("accounts")], usage_daily=[*days, again, other])
    assert counts(bring_in(acme, path), "usage_daily") == (30, 27, 0, 1, 2)


def test_one_change_of_an_opportunity_is_matched_by_deal_time_and_field(acme, tmp_path):
    changes = [
        row("opportunity_changes", old_value="a"),
        row("opportunity_changes", field="amount"),
        row("opportunity_changes", changed_at="2026-03-02T09:30:01Z"),
    ]
    path = bundle(tmp_path / "1", accounts=[row("accounts")], opportunities=[row("opportunities")],
                  opportunity_changes=changes)  # fmt: skip
    assert counts(bring_in(acme, path), "opportunity_changes") == (3, 3, 0, 0, 0)
    assert counts(bring_in(acme, path), "opportunity_changes") == (3, 0, 0, 3, 0)
    with acme.here():
        assert set(OpportunityChange.objects.values_list("opportunity", flat=True)) == {
            Opportunity.objects.get().pk
        }


# --- the limit --------------------------------------------------------------------------------------


def hundred(bad: int):
    return [
        row("tickets", external_id=f"T{n}", opened_at="bad" if n < bad else "2026-03-01T00:00:00Z")
        for n in range(100)
    ]


def test_exactly_at_the_limit_a_file_lands_and_one_row_more_stops_it(acme, tmp_path):
    bring_in(acme, bundle(tmp_path / "0", accounts=[row("accounts")]))
    report = bring_in(acme, bundle(tmp_path / "5", tickets=hundred(5)))
    assert report["by_file"]["tickets.csv"]["status"] == "landed"
    assert counts(report, "tickets") == (100, 95, 0, 0, 5)
    report = bring_in(
        acme, bundle(tmp_path / "6", tickets=[*hundred(6), row("tickets", external_id="new")][1:])
    )
    assert report["by_file"]["tickets.csv"]["status"] == "landed", "5 of 100"
    report = bring_in(acme, bundle(tmp_path / "7", tickets=hundred(6)))
    found = report["by_file"]["tickets.csv"]
    assert (found["status"], found["rejected"], found["created"], found["unchanged"]) == ("stopped", 6, 0, 0)
    assert "6 of 100 rows" in found["message"]
    assert "more than 5 %" in found["message"]
    assert len(found["rejected_rows"]) == 6
    with acme.here():
        assert Ticket.objects.count() == 96


@pytest.mark.parametrize(
    ("limit", "status"), [("0", "stopped"), ("0.99", "stopped"), ("1", "landed"), ("100", "landed")]
)
def test_the_limit_is_the_tenants_own(acme, tmp_path, limit, status):
    from decimal import Decimal

    acme.tenant.rejected_rows_limit_pct = Decimal(limit)
    report = bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts")], tickets=hundred(1)))
    assert report["by_file"]["tickets.csv"]["status"] == status


def test_a_stopped_file_stops_itself_alone(acme, tmp_path):
    path = bundle(
        tmp_path / "1", accounts=[row("accounts")], tickets=hundred(50), surveys="external_id\n", invoices=b"\xff\xfe",
        usage_daily=[row("usage_daily")], products="external_id,name\n",
    )  # fmt: skip
    report = bring_in(acme, path)
    status = {name: file["status"] for name, file in report["by_file"].items()}
    assert status == {
        "accounts.csv": "landed", "tickets.csv": "stopped", "surveys.csv": "stopped", "invoices.csv": "stopped",
        "usage_daily.csv": "landed", "products.csv": "landed",
    }  # fmt: skip
    assert counts(report, "products") == (0, 0, 0, 0, 0)
    assert "account_external_id, kind, score, responded_at" in report["by_file"]["surveys.csv"]["message"]
    with acme.here():
        assert BundleImport.objects.get().state == "partly"
        assert QuarantinedRow.objects.filter(file="tickets.csv").count() == 50


def test_a_cell_of_ten_megabytes_stops_its_file_and_names_the_place(acme, tmp_path):
    huge = "external_id,account_external_id,opened_at,body\nT1,A1,2026-03-01T00:00:00Z,ok\nT2,A1,2026-03-01T00:00:00Z,"
    path = bundle(tmp_path / "1", accounts=[row("accounts")], tickets=huge + '"' + "x" * 10 * 1024**2 + '"\n')
    found = bring_in(acme, path)["by_file"]["tickets.csv"]
    assert found["status"] == "stopped"
    assert "line 3, column body: the cell is larger than 1 MB" in found["message"]
    with acme.here():
        assert not Ticket.objects.exists()


# --- references -------------------------------------------------------------------------------------


def test_files_may_arrive_later_and_name_what_is_known(acme, tmp_path):
    bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts")]))
    report = bring_in(acme, bundle(tmp_path / "2", contacts=[row("contacts")], tickets=[row("tickets")]))
    assert counts(report, "contacts") == counts(report, "tickets") == (1, 1, 0, 0, 0)
    report = bring_in(acme, bundle(tmp_path / "3", surveys=[row("surveys", contact_external_id="C1")]))
    assert counts(report, "surveys") == (1, 1, 0, 0, 0)


def test_a_row_whose_account_was_rejected_is_rejected_too(acme, tmp_path):
    accounts = [row("accounts", external_id=f"A{n}") for n in range(30)] + [
        row("accounts", external_id="bad", employees="x")
    ]
    tickets = [row("tickets", external_id=f"T{n}", account_external_id=f"A{n}") for n in range(30)]
    tickets.append(row("tickets", external_id="TX", account_external_id="bad"))
    report = bring_in(acme, bundle(tmp_path / "1", accounts=accounts, tickets=tickets))
    assert counts(report, "accounts") == (31, 30, 0, 0, 1)
    assert counts(report, "tickets") == (31, 30, 0, 0, 1)


def test_parents_may_stand_later_and_a_circle_is_rejected_whole(acme, tmp_path):
    acme.tenant.rejected_rows_limit_pct = 100
    accounts = [
        row("accounts", external_id="child", parent_external_id="top"),
        row("accounts", external_id="top"),
        row("accounts", external_id="x", parent_external_id="y"),
        row("accounts", external_id="y", parent_external_id="z"),
        row("accounts", external_id="z", parent_external_id="x"),
        row("accounts", external_id="below", parent_external_id="x"),
    ]
    report = bring_in(acme, bundle(tmp_path / "1", accounts=accounts))
    rejected = report["by_file"]["accounts.csv"]["rejected_rows"]
    assert [(r["line"], r["value"]) for r in rejected] == [(4, "y"), (5, "z"), (6, "x"), (7, "x")]
    assert "own ancestor" in rejected[0]["reason"]
    assert "names no account" in rejected[3]["reason"]
    with acme.here():
        assert Account.objects.get(external_id="child").parent_external_id == "top"
        assert Account.objects.count() == 2


def test_a_circle_closed_through_what_was_known_is_rejected(acme, tmp_path):
    acme.tenant.rejected_rows_limit_pct = 100
    known = [row("accounts", external_id="a", parent_external_id="b"), row("accounts", external_id="b")]
    bring_in(acme, bundle(tmp_path / "1", accounts=known))
    report = bring_in(
        acme, bundle(tmp_path / "2", accounts=[row("accounts", external_id="b", parent_external_id="a")])
    )
    assert counts(report, "accounts") == (1, 0, 0, 0, 1)


# --- columns that are not known ---------------------------------------------------------------------


def test_unknown_columns_are_attributes_of_accounts_and_contacts_and_merge(acme, tmp_path):
    path = bundle(tmp_path / "1", accounts=[row("accounts", channel="web", tier="")],
                  contacts=[row("contacts", **{"Shirt size": "L"})])  # fmt: skip
    report = bring_in(acme, path)
    assert report["by_file"]["accounts.csv"]["message"] is None
    with acme.here():
        assert Account.objects.get().attributes == {"channel": "web"}
        assert Contact.objects.get().attributes == {"Shirt size": "L"}
    assert counts(bring_in(acme, path), "accounts") == (1, 0, 0, 1, 0)
    report = bring_in(acme, bundle(tmp_path / "2", accounts=[row("accounts", channel="", tier="gold")]))
    assert counts(report, "accounts") == (1, 0, 1, 0, 0)
    bring_in(acme, bundle(tmp_path / "3", accounts=[row("accounts", domain="x.example")]))
    with acme.here():
        assert Account.objects.get().attributes == {"channel": "web", "tier": "gold"}


def test_elsewhere_they_are_reported_and_ignored(acme, tmp_path):
    path = bundle(
        tmp_path / "1", accounts=[row("accounts")], tickets=[row("tickets", mood="sunny", agent="Jo")]
    )
    found = bring_in(acme, path)["by_file"]["tickets.csv"]
    assert (found["status"], found["created"]) == ("landed", 1)
    assert "mood, agent" in found["message"]


def test_the_notes_of_a_downloaded_reject_are_passed_over(acme, tmp_path):
    notes = {"rejected_line": "4", "rejected_column": "employees", "rejected_reason": "is no number."}
    report = bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts", **notes)]))
    assert report["by_file"]["accounts.csv"]["message"] is None
    with acme.here():
        assert Account.objects.get().attributes == {}


def test_unknown_files_are_reported_and_a_readme_is_not(acme, tmp_path):
    path = bundle(tmp_path / "1", accounts=[row("accounts")], orders="a,b\n")
    (path / "README.md").write_text("hello")
    report = bring_in(acme, path)
    assert [(f["file"], f["status"]) for f in report["files"]] == [
        ("accounts.csv", "landed"),
        ("orders.csv", "ignored"),
    ]
    with acme.here():
        assert BundleImport.objects.get().state == "landed"


# --- whole or not at all ----------------------------------------------------------------------------


def test_a_first_import_needs_accounts(acme, tmp_path):
    report = bring_in(acme, bundle(tmp_path / "1", tickets=[row("tickets")]))
    assert "accounts.csv is missing" in report["refused"]
    assert report["files"] == []
    with acme.here():
        assert BundleImport.objects.get().state == "refused"
    report = bring_in(acme, bundle(tmp_path / "2"))
    assert "No file of the import format" in report["refused"]


def test_without_landed_accounts_nothing_else_is_read(acme, tmp_path):
    report = bring_in(acme, bundle(tmp_path / "1", accounts="external_id\nA1\n", tickets=[row("tickets")]))
    assert [f["status"] for f in report["files"]] == ["stopped", "stopped"]
    assert report["by_file"]["tickets.csv"]["read"] == 0
    assert "no account is known yet" in report["by_file"]["tickets.csv"]["message"]


def test_a_fault_while_merging_leaves_nothing_of_the_file_but_its_report(acme, tmp_path, monkeypatch):
    bring_in(acme, bundle(tmp_path / "0", accounts=[row("accounts")]))
    real = merge.merge

    def merge_then_fail(tenant, target, *, staged):
        done = real(tenant, target, staged=staged)
        if target.file.name == "tickets":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return done

    monkeypatch.setattr(merge, "merge", merge_then_fail)
    report = bring_in(acme, bundle(tmp_path / "1", tickets=[row("tickets")], surveys=[row("surveys")]))
    assert report["by_file"]["tickets.csv"]["status"] == "stopped"
    assert "division by zero" in report["by_file"]["tickets.csv"]["message"]
    assert report["by_file"]["surveys.csv"]["created"] == 1
    with acme.here():
        assert Ticket.objects.count() == 0
        assert list(BundleFile.objects.filter(file="tickets.csv").values_list("status", "created")) == [
            ("stopped", 0)
        ]


def test_each_file_leaves_one_report_and_one_event(acme, tmp_path):
    acme.tenant.rejected_rows_limit_pct = 50
    path = bundle(
        tmp_path / "1", accounts=[row("accounts")], tickets=[row("tickets"), row("tickets", external_id="")]
    )
    report = bring_in(acme, path)
    with acme.here():
        files = list(
            BundleFile.objects.order_by("pk").values_list("file", "status", "read", "created", "rejected")
        )
        assert files == [("accounts.csv", "landed", 1, 1, 0), ("tickets.csv", "landed", 2, 1, 1)]
        kept = QuarantinedRow.objects.get()
        assert (kept.file, kept.line, kept.column, kept.state) == ("tickets.csv", 3, "external_id", "open")
        assert kept.row == {**row("tickets"), "external_id": ""}
        events = AuditEvent.objects.filter(tenant=acme.tenant, verb__startswith="integrations.").order_by(
            "id"
        )
        assert [event.verb for event in events] == [
            "integrations.import_started", "integrations.file_imported", "integrations.file_imported",
            "integrations.bundle_imported",
        ]  # fmt: skip
        last = events.last()
    assert last.object_id == str(report["record"].pk)
    assert last.diff["after"] == {"state": "partly", "refused": "", "files": 2, "rejected": 1}


def test_a_value_in_a_report_is_cut_and_in_the_quarantine_it_is_whole(acme, tmp_path):
    long = "x" * 5000
    path = bundle(tmp_path / "1", accounts=[row("accounts")], surveys=[row("surveys", score=long)])
    (rejected,) = bring_in(acme, path)["by_file"]["surveys.csv"]["rejected_rows"]
    assert rejected["value"] == long[:200]
    with acme.here():
        assert QuarantinedRow.objects.get().row["score"] == long


def test_the_report_lists_a_thousand_rows_and_the_quarantine_all(acme, tmp_path):
    bad = [row("tickets", external_id=f"T{n}", priority="x") for n in range(1005)]
    found = bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts")], tickets=bad))["by_file"][
        "tickets.csv"
    ]
    assert (found["rejected"], len(found["rejected_rows"])) == (1005, 1000)
    assert [r["line"] for r in found["rejected_rows"]] == list(range(2, 1002))
    with acme.here():
        assert QuarantinedRow.objects.count() == 1005


# --- a trial run, and other tenants -----------------------------------------------------------------


def rows_everywhere():
    """How many rows each table of the public schema has, whatever the tenant's policies let us see."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
        )
        found = {}
        for (name,) in cursor.fetchall():
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [f'public."{name}"'])
            if cursor.fetchone()[0]:
                cursor.execute(f'SELECT count(*) FROM "{name}"')
                found[name] = cursor.fetchone()[0]
    return found


def test_a_trial_run_counts_like_the_real_one_and_leaves_nothing(acme, tmp_path):
    path = everything(tmp_path)
    with acme.here():
        before = rows_everywhere()
        trial = bring_in(acme, path, dry_run=True, recorded=False)
        assert rows_everywhere() == before
    real = bring_in(acme, path)
    assert trial["files"] == real["files"]
    assert trial["dry_run"] is True
    with acme.here():
        before = rows_everywhere()
        again = bring_in(acme, everything(tmp_path, "again"), dry_run=True, recorded=False)
        assert rows_everywhere() == before
    assert all(counts(again, file) == (1, 0, 0, 1, 0) for file in VALID)


def test_a_trial_run_makes_no_partition(acme, tmp_path):
    path = bundle(
        tmp_path / "1", accounts=[row("accounts")], usage_daily=[row("usage_daily", date="1995-05-05")]
    )
    assert counts(bring_in(acme, path, dry_run=True, recorded=False), "usage_daily") == (1, 1, 0, 0, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.accounts_usage_day_199505')")
        assert cursor.fetchone() == (None,)


def test_a_recorded_trial_run_keeps_its_report_alone(acme, tmp_path):
    path = bundle(tmp_path / "1", accounts=[row("accounts"), row("accounts", external_id="")])
    report = bring_in(acme, path, dry_run=True)
    assert report["by_file"]["accounts.csv"]["status"] == "stopped"
    with acme.here():
        assert Account.objects.count() == 0
        assert BundleImport.objects.get().dry_run
        assert QuarantinedRow.objects.get().state == "discarded"
        verbs = AuditEvent.objects.filter(tenant=acme.tenant).values_list("verb", flat=True)
        assert "integrations.bundle_tried" in verbs
        assert "integrations.bundle_imported" not in verbs


def test_the_other_tenant_is_untouched_and_ids_may_repeat(acme, globex, tmp_path):
    path = everything(tmp_path)
    bring_in(acme, path)
    with globex.here():
        before = rows_everywhere()
        assert before["accounts_account"] == before["accounts_ticket"] == before["accounts_usage_day"] == 0
    other = bundle(tmp_path / "other", accounts=[row("accounts", name="Globex' own")])
    assert counts(bring_in(globex, other), "accounts") == (1, 1, 0, 0, 0)
    with acme.here():
        assert Account.objects.get().name == "Halden Logistics"
    rejected = bring_in(globex, bundle(tmp_path / "t", surveys=[row("surveys", contact_external_id="C1")]))
    assert counts(rejected, "surveys")[4] == 1, "acme's contact is nobody here"


# --- owners -----------------------------------------------------------------------------------------


def test_owners_follow_their_email(acme, tmp_path):
    email = acme.csm.user.email
    accounts = [
        row("accounts", owner_email=email),
        row("accounts", external_id="A2", owner_email="who@x.example"),
    ]
    bring_in(acme, bundle(tmp_path / "1", accounts=accounts))
    from accounts.queries import visible_accounts

    with acme.here():
        assert Account.objects.get(external_id="A1").owner_id == acme.csm.user_id
        assert Account.objects.get(external_id="A2").owner_id is None
        assert Account.objects.filter(team=None).count() == 0
        names = set(visible_accounts(acme.tenant, acme.csm).values_list("external_id", flat=True))
    assert "A1" in names


def test_the_report_is_plain_json(acme, tmp_path):
    report = bring_in(acme, bundle(tmp_path / "1", accounts=[row("accounts", employees="x")]))
    del report["by_file"], report["record"]
    assert json.loads(json.dumps(report)) == report
    assert list(report) == ["tenant", "dry_run", "refused", "files"]
    assert list(report["files"][0]) == [
        "file", "status", "read", "created", "updated", "unchanged", "rejected", "message", "rejected_rows",
    ]  # fmt: skip
    assert list(report["files"][0]["rejected_rows"][0]) == ["line", "column", "value", "reason"]


def test_a_renewal_is_a_new_row_and_ids_move_accounts(acme, tmp_path):
    terms = [
        row("subscriptions"),
        row("subscriptions", external_id="S2", started_at="2027-01-01T00:00:00Z", renewal_date="2028-01-01"),
    ]
    accounts = [row("accounts"), row("accounts", external_id="A2")]
    bring_in(acme, bundle(tmp_path / "1", accounts=accounts, subscriptions=terms))
    moved = [{**terms[0], "account_external_id": "A2"}]
    assert counts(bring_in(acme, bundle(tmp_path / "2", subscriptions=moved)), "subscriptions") == (
        1,
        0,
        1,
        0,
        0,
    )
    with acme.here():
        assert Subscription.objects.get(external_id="S1").account.external_id == "A2"
        assert Subscription.objects.get(external_id="S2").account.external_id == "A1"
