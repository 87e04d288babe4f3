"""Each type's rules, cell by cell: what is rejected, with which words, and what lands."""

import pytest

from accounts.models import Account, Contact, Subscription, Ticket
from tests.imports.bundles import VALID, bring_in, bundle, row

pytestmark = pytest.mark.django_db


def one_row(acme, tmp_path, file, **cells):
    """Bring one row in, with what it names, and let any share of rows be rejected."""
    acme.tenant.rejected_rows_limit_pct = 100
    files = {"accounts": [row("accounts")]}
    if file == "opportunity_changes":
        files["opportunities"] = [row("opportunities")]
    files["contacts"] = [row("contacts")]
    files[file] = [row(file, **cells)]
    report = bring_in(acme, bundle(tmp_path / "bundle", **files))
    return report["by_file"][f"{file}.csv"]


BAD = [
    # times need a zone, and must be real
    ("tickets", "opened_at", "2026-03-01T09:30:00", "time zone"),
    ("tickets", "opened_at", "2026-03-01", "time zone"),
    ("tickets", "opened_at", "03/04/2026", "is no time"),
    ("tickets", "opened_at", "2026-02-30T00:00:00Z", "is no time"),
    ("tickets", "opened_at", "2026-03-01T24:00:00Z", "is no time"),
    ("tickets", "opened_at", "2026-03-01T09:30:60Z", "is no time"),
    ("tickets", "opened_at", "2026-03-01T09:30Z", "is no time"),
    ("tickets", "opened_at", "2026-03-01 09:30:00Z", "is no time"),
    ("tickets", "opened_at", "2026-03-01T09:30:00+0100", "is no time"),
    ("tickets", "opened_at", "2026-03-01T09:30:00+25:00", "is no time"),
    ("tickets", "opened_at", "0000-03-01T09:30:00Z", "is no time"),
    ("tickets", "opened_at", "", "is empty"),
    ("tickets", "closed_at", " 2026-03-05T00:00:00Z", "is no time"),
    # dates
    ("accounts", "customer_since", "2026-02-29", "is no date"),
    ("accounts", "customer_since", "2026-3-1", "is no date"),
    ("accounts", "customer_since", "20260301", "is no date"),
    ("accounts", "customer_since", "2026-03-01T00:00:00Z", "is no date"),
    ("subscriptions", "renewal_date", "", "is empty"),
    ("usage_daily", "date", "1989-12-31", "is no day from"),
    ("usage_daily", "date", "2100-01-01", "is no day from"),
    # whole numbers
    ("accounts", "employees", "12.0", "whole number"),
    ("accounts", "employees", "1,200", "whole number"),
    ("accounts", "employees", "1e3", "whole number"),
    ("accounts", "employees", "٣", "whole number"),
    ("accounts", "employees", "9" * 30, "too large"),
    ("subscriptions", "seats", "-1", "negative"),
    ("subscriptions", "seats", "10000001", "more than"),
    ("subscriptions", "term_months", "0", "too small"),
    ("subscriptions", "term_months", "121", "more than"),
    ("subscriptions", "notice_days", "99999999999", "more than"),
    ("tickets", "csat", "0", "too small"),
    ("tickets", "csat", "6", "more than"),
    # money
    ("subscriptions", "arr", "-1", "negative"),
    ("subscriptions", "arr", "1,5", "is no amount"),
    ("subscriptions", "arr", "1.23456", "is no amount"),
    ("subscriptions", "arr", "1e3", "is no amount"),
    ("subscriptions", "arr", "$5", "is no amount"),
    ("subscriptions", "arr", "10000000001", "more than"),
    ("subscriptions", "arr", "9" * 50, "too large"),
    ("subscriptions", "arr", "", "is empty"),
    ("objectives", "expected_value", "-0.01", "negative"),
    ("outcomes", "arr_before", "-5", "negative"),
    ("invoices", "due_at", "", "is empty"),
    # numbers
    ("objectives", "target", "1e3", "is no number"),
    ("objectives", "target", "abc", "is no number"),
    ("objectives", "baseline", "9" * 400, "too large"),
    # usage
    ("usage_daily", "logins", "-1", "negative"),
    ("usage_daily", "logins", "1e16", "more than"),
    ("usage_daily", "logins", "inf", "is no number"),
    ("usage_daily", "logins", "NaN", "is no number"),
    ("usage_daily", "logins", "many", "is no number"),
    ("usage_daily", "exports_made", "-2", "negative"),
    ("usage_daily", "exports_made", "x", "is no number"),
    ("usage_detail", "count", "-1", "negative"),
    ("usage_detail", "count", "", "is empty"),
    # words
    ("accounts", "segment", "SMB", "is not allowed"),
    ("contacts", "role", "boss", "is not allowed"),
    ("contacts", "seniority", "intern", "is not allowed"),
    ("tickets", "priority", "Low", "is not allowed"),
    ("activities", "kind", "fax", "is not allowed"),
    ("activities", "direction", "sideways", "is not allowed"),
    ("milestones", "stage", "later", "is not allowed"),
    ("company_events", "kind", "party", "is not allowed"),
    ("opportunities", "type", "upsell", "is not allowed"),
    ("opportunities", "forecast_category", "maybe", "is not allowed"),
    ("opportunity_changes", "field", "name", "is not allowed"),
    ("outcomes", "kind", "left", "is not allowed"),
    # others
    ("accounts", "strategic", "yes", "neither true nor false"),
    ("accounts", "strategic", "True", "neither true nor false"),
    ("accounts", "owner_email", "ana", "no e-mail"),
    ("accounts", "owner_email", "a@b.c, d@e.f", "no e-mail"),
    ("contacts", "email", "ana@host", "no e-mail"),
    ("subscriptions", "currency", "eur", "ISO 4217"),
    ("subscriptions", "currency", "XXX", "ISO 4217"),
    ("contacts", "time_zone", "Berlin", "IANA"),
    ("contacts", "time_zone", "+01:00", "IANA"),
    ("contacts", "language", "de_DE", "BCP 47"),
    ("accounts", "external_id", "x" * 201, "longer than 200"),
    ("accounts", "external_id", "", "is empty"),
    ("accounts", "name", "", "is empty"),
    ("accounts", "name", "名" * 1000, "too long"),
    ("tickets", "body", "x" * 250_001, "longer than 250,000"),
    ("tickets", "subject", "x" * 10_001, "longer than 10,000"),
    ("accounts", "name", "x" * 1001, "longer than 1,000"),
    # scales of surveys
    ("surveys", "score", "11", "scale of nps"),
    ("surveys", "score", "-1", "scale of nps"),
    ("surveys", "score", "", "is empty"),
    # references
    ("tickets", "account_external_id", "A2", "names nothing in accounts.csv"),
    ("tickets", "account_external_id", "a1", "names nothing in accounts.csv"),
    ("surveys", "contact_external_id", "C2", "names nothing in contacts.csv"),
    ("activities", "contact_external_ids", "C1;C2", "names nothing in contacts.csv"),
    ("outcomes", "subscription_external_id", "S9", "names nothing in subscriptions.csv"),
    ("opportunity_changes", "opportunity_external_id", "D9", "names nothing in opportunities.csv"),
    ("accounts", "parent_external_id", "A9", "names no account"),
    ("accounts", "parent_external_id", "A1", "own ancestor"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "column", "value", "reason"), BAD, ids=[f"{f}.{c}={v[:24]!r}" for f, c, v, _ in BAD]
)
def test_a_bad_cell_rejects_its_row_with_line_column_value_and_reason(
    acme, tmp_path, file, column, value, reason
):
    found = one_row(acme, tmp_path, file, **{column: value})
    assert found["rejected"] == 1, found
    (rejected,) = found["rejected_rows"]
    assert rejected["line"] == 2
    assert rejected["column"] == column
    assert rejected["value"] == value[:200]
    assert reason in rejected["reason"]
    assert rejected["reason"].endswith(".")


TOGETHER = [
    ("surveys", {"kind": "csat", "score": "6"}, "score", "scale of csat"),
    ("surveys", {"kind": "ces", "score": "0"}, "score", "scale of ces"),
    ("surveys", {"kind": "review", "score": "0"}, "score", "scale of review"),
    ("tickets", {"csat": "4", "closed_at": ""}, "csat", "closed_at is empty"),
    ("opportunities", {"won": "true", "closed_at": ""}, "won", "closed_at is empty"),
    ("opportunities", {"won": "", "closed_at": "2026-05-01T00:00:00Z"}, "closed_at", "won is empty"),
    ("tickets", {"closed_at": "2026-02-01T00:00:00Z"}, "closed_at", "before opened_at"),
    ("tickets", {"first_response_at": "2026-02-01T00:00:00Z"}, "first_response_at", "before opened_at"),
    ("tickets", {"escalated_at": "2026-02-01T00:00:00Z"}, "escalated_at", "before opened_at"),
    ("invoices", {"paid_at": "2026-02-01T00:00:00Z"}, "paid_at", "before issued_at"),
    ("invoices", {"voided_at": "2026-02-01T00:00:00Z"}, "voided_at", "before issued_at"),
    ("invoices", {"due_at": "2026-02-01T00:00:00Z"}, "due_at", "before issued_at"),
    ("subscriptions", {"renewal_date": "2025-12-31"}, "renewal_date", "before started_at"),
    ("subscriptions", {"cancelled_at": "2025-12-31T00:00:00Z"}, "cancelled_at", "before started_at"),
    ("contacts", {"joined_at": "2026-02-01T00:00:00Z", "departed_at": "2026-01-01T00:00:00Z"}, "departed_at", "before"),
    ("objectives", {"due_at": "2026-02-01T00:00:00Z"}, "due_at", "before declared_at"),
    ("objectives", {"achieved_at": "2026-02-01T00:00:00Z"}, "achieved_at", "before declared_at"),
    ("opportunities", {"won": "true", "closed_at": "2026-02-01T00:00:00Z"}, "closed_at", "before created_at"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "cells", "column", "reason"), TOGETHER)
def test_cells_that_contradict_each_other_reject_the_row(acme, tmp_path, file, cells, column, reason):
    found = one_row(acme, tmp_path, file, **cells)
    assert found["rejected"] == 1, found
    assert found["rejected_rows"][0]["column"] == column
    assert reason in found["rejected_rows"][0]["reason"]


GOOD = [
    ("tickets", {"opened_at": "2026-03-01T09:30:00.123456789+05:30"}),
    ("tickets", {"csat": "5", "closed_at": "2026-03-01T09:30:00Z"}),
    ("accounts", {"customer_since": ""}),
    ("accounts", {"employees": "0"}),
    ("accounts", {"external_id": "x" * 200}),
    ("subscriptions", {"arr": "0", "seats": "0", "list_arr": "0.0001"}),
    ("subscriptions", {"arr": "10000000000"}),
    ("objectives", {"target": "-12.5", "value_realized": "-3"}),
    ("usage_daily", {"logins": "1e3", "data_gb": ".5", "exports_made": "0"}),
    ("usage_daily", {"logins": ""}),
    ("usage_detail", {"feature": "", "product": ""}),
    ("surveys", {"kind": "nps", "score": "0"}),
    ("surveys", {"kind": "ces", "score": "7"}),
    ("contacts", {"time_zone": "America/Argentina/Buenos_Aires", "language": "zh-Hans-CN"}),
    ("activities", {"contact_external_ids": "C1;;C1"}),
    ("tickets", {"body": "x" * 250_000}),
    ("tickets", {"subject": "é" * 10_000, "category": "名" * 10_000}),
    ("subscriptions", {"cancel_reason": "x" * 10_000, "product": "x" * 10_000}),
    ("opportunities", {"stage": "x" * 10_000, "next_step": "x" * 10_000}),
]


@pytest.mark.parametrize(("file", "cells"), GOOD)
def test_a_cell_at_the_edge_of_its_type_lands(acme, tmp_path, file, cells):
    found = one_row(acme, tmp_path, file, **cells)
    assert (found["status"], found["created"], found["rejected"]) == ("landed", 1, 0), found


@pytest.mark.parametrize("file", list(VALID))
def test_a_valid_row_of_every_file_lands_with_its_required_columns_alone(acme, tmp_path, file):
    found = one_row(acme, tmp_path, file)
    assert (found["status"], found["read"], found["created"]) == ("landed", 1, 1), found


def test_what_lands_has_its_type(acme, tmp_path):
    path = bundle(
        tmp_path / "b",
        accounts=[row("accounts", employees="250", strategic="false", segment="smb")],
        contacts=[row("contacts", joined_at="2026-01-01T01:00:00+01:00", do_not_contact="true")],
        subscriptions=[row("subscriptions", arr="12000.5", uplift_cap_pct="3.5")],
        tickets=[row("tickets", subject='Say "hi",\r\nplease')],
    )
    assert bring_in(acme, path)["refused"] is None
    with acme.here():
        account, contact = Account.objects.get(), Contact.objects.get()
        subscription, ticket = Subscription.objects.get(), Ticket.objects.get()
    assert (account.employees, account.strategic, account.segment) == (250, False, "smb")
    assert contact.joined_at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert contact.do_not_contact is True
    assert str(subscription.arr) == "12000.5000"
    assert subscription.uplift_cap_pct == 3.5
    assert ticket.subject == 'Say "hi",\r\nplease'
    assert len(bytes(ticket.row_hash)) == 32
    assert ticket.source == "import"
