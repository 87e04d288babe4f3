"""Numbers, dates and terms that cannot be, and tenants with hardly any data (inputs 23 to 29)."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Invoice, Subscription, Ticket, UsageDay
from scoring import pipeline
from scoring.exceptions import NothingToScore
from scoring.models import AccountHealth
from tests.bad_input.conftest import EXAMPLES
from tests.imports.bundles import bring_in, bundle, row
from tests.worlds import MAKER

pytestmark = pytest.mark.bad_input


def rejected(world, tmp_path, file, **cells):
    """(column, value, reason) of the one row, which is wrong; or None when it landed."""
    world.tenant.rejected_rows_limit_pct = 100
    found = bring_in(
        world, bundle(tmp_path / "b", accounts=[row("accounts")], **{file: [row(file, **cells)]})
    )
    report = found["by_file"][f"{file}.csv"]
    assert report["status"] == "landed"
    assert report["read"] == 1
    if not report["rejected"]:
        return None
    [fault] = report["rejected_rows"]
    assert fault["line"] == 2
    return fault["column"], fault["value"], fault["reason"]


@pytest.mark.parametrize(
    "value", ["NaN", "nan", "Infinity", "-Infinity", "inf", "1e308", "1e309", "-1e-400", "0x10"]
)
@pytest.mark.parametrize(
    ("file", "column"), [("usage_daily", "logins"), ("invoices", "amount"), ("subscriptions", "arr")]
)
def test_input_23_numbers_that_are_none_are_named(acme, tmp_path, file, column, value):
    fault = rejected(acme, tmp_path, file, **{column: value})
    if fault is None:
        assert (file, value) == ("usage_daily", "-1e-400"), "a measure too small to tell from zero"
        return
    assert fault[:2] == (column, value)
    assert fault[2].endswith((".", "taken."))


@pytest.mark.parametrize(("value", "kept"), [("-0", 0.0), ("1e-400", 0.0), ("1e3", 1000.0), ("0.1", 0.1)])
def test_input_23_zero_of_any_kind_is_zero(acme, tmp_path, value, kept):
    assert rejected(acme, tmp_path, "usage_daily", logins=value) is None
    with acme.here():
        assert UsageDay.objects.filter(tenant=acme.tenant).get().logins == kept


@pytest.mark.parametrize(
    "value",
    ["12,5", "1.000,00", "1,000.00", "1 000", "1'000", "$5", "5 EUR", "€5", "5-", "(5)", "+5", "٥", "５"],
)
def test_input_24_commas_and_currency_signs_are_never_guessed(acme, tmp_path, value):
    column, shown, reason = rejected(acme, tmp_path, "invoices", amount=value)
    assert (column, shown) == ("amount", value)
    assert "Write it with a dot" in reason


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [("subscriptions", "arr", "-1"), ("subscriptions", "seats", "-1"), ("usage_daily", "logins", "-0.5"),
     ("usage_detail", "count", "-1"), ("invoices", "amount", "-0.0001")],
)  # fmt: skip
def test_input_25_negative_money_seats_and_usage_are_rejected(acme, tmp_path, file, column, value):
    found = rejected(acme, tmp_path, file, **{column: value})
    assert found[:2] == (column, value)
    assert "is negative" in found[2] or "too small" in found[2]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((day, "is no date") for day in (
            "2026-02-31", "2026-02-29", "0000-01-01", "2026-3-1", "01.03.2026", "2026-W09-1", "1767225600000",
            "infinity",
        )),
        ("0001-01-01", ""),
        ("9999-12-31", ""),
    ],
)  # fmt: skip
def test_input_26_days_that_cannot_be(acme, tmp_path, value, words):
    """The first and the last year are refused too: zones would carry them out of what a database holds."""
    column, shown, reason = rejected(acme, tmp_path, "subscriptions", renewal_date=value)
    assert (column, shown) == ("renewal_date", value)
    assert words in reason
    assert rejected(acme, tmp_path, "usage_daily", date=value)[:2] == ("date", value)


@pytest.mark.parametrize(
    "value",
    [
        "1767225600",
        "1767225600000",
        "now",
        "infinity",
        "2026-02-31T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T10:60:00Z",
    ],
)
def test_input_26_times_that_cannot_be(acme, tmp_path, value):
    assert (
        "is no time. Write it as 2026-03-01T09:30:00Z."
        in rejected(acme, tmp_path, "tickets", opened_at=value)[2]
    )


@pytest.mark.parametrize(
    "value", ["2026-03-01T09:30:00", "2026-03-29T02:30:00", "2026-10-25 02:30:00", "2026-03-01"]
)
def test_input_27_a_time_without_zone_is_rejected(acme, tmp_path, value):
    """Also in the hour that a change to summer time leaves out or makes twice."""
    assert "has no time zone" in rejected(acme, tmp_path, "tickets", opened_at=value)[2]


def test_input_27_both_hours_of_a_change_are_told_apart_by_their_offsets(acme, tmp_path):
    for n, offset in enumerate(["+02:00", "+01:00"]):
        assert (
            rejected(acme, tmp_path, "tickets", external_id=f"T{n}", opened_at=f"2026-10-25T02:30:00{offset}")
            is None
        )
    with acme.here():
        first, second = Ticket.objects.order_by("external_id").values_list("opened_at", flat=True)
    assert (second - first).total_seconds() == 3600


@pytest.mark.parametrize("day", ["2016-01-01", "2098-01-01"])
def test_input_27_ten_years_back_and_far_ahead_land_and_score_nothing_early(acme, tmp_path, day):
    assert rejected(acme, tmp_path, "tickets", opened_at=f"{day}T00:00:00Z") is None
    assert rejected(acme, tmp_path, "usage_daily", date=day) is None
    with acme.here():
        assert Ticket.objects.count() == 1


def test_input_28_a_term_that_ends_before_it_starts_is_rejected_and_overlapping_ones_add_up(acme, tmp_path):
    column, _, reason = rejected(acme, tmp_path, "subscriptions", renewal_date="2025-12-31")
    assert column == "renewal_date"
    assert "comes before started_at" in reason
    terms = [
        row("subscriptions", external_id=f"S{n}", arr="100", started_at=f"2026-0{n}-01T00:00:00Z")
        for n in (1, 2)
    ]
    bring_in(acme, bundle(tmp_path / "o", accounts=[row("accounts")], subscriptions=terms))
    with acme.here():
        assert sorted(Subscription.objects.values_list("arr", flat=True)) == [100, 100]
        pipeline.score_day(acme.tenant, as_of=date(2026, 6, 1), by=MAKER)
        assert AccountHealth.objects.get().arr == 200, "an account's ARR is the sum of its active rows"


# --- 29: hardly any data ------------------------------------------------------------------------


def test_input_29_without_accounts_there_is_nothing_to_score(acme):
    """In words: the command and the job tell them."""
    with acme.here():
        with pytest.raises(NothingToScore, match="Nobody was a customer on 2026-06-01"):
            pipeline.score_day(acme.tenant, as_of=date(2026, 6, 1), by=MAKER)
        assert not AccountHealth.objects.exists()


@pytest.mark.parametrize("accounts", [1, 3])
def test_input_29_accounts_of_which_nothing_is_known_are_scored_unknown(acme, tmp_path, accounts):
    rows = [row("accounts", external_id=f"A{n}") for n in range(accounts)]
    bring_in(acme, bundle(tmp_path / "b", accounts=rows))
    with acme.here():
        pipeline.score_day(acme.tenant, as_of=date(2026, 6, 1), by=MAKER)
        found = list(AccountHealth.objects.all())
    assert len(found) == accounts
    assert {each.band for each in found} == {"unknown"}
    assert {each.health for each in found} == {None}


def test_input_29_accounts_that_are_all_the_same_score_the_same(acme, tmp_path):
    ids = [f"A{n}" for n in range(4)]
    days = [f"2026-05-{day:02}" for day in range(1, 31)]
    report = bring_in(
        acme,
        bundle(
            tmp_path / "b",
            accounts=[row("accounts", external_id=each) for each in ids],
            usage_daily=[
                row("usage_daily", account_external_id=each, date=day, logins="5", active_users="3")
                for each in ids
                for day in days
            ],
            subscriptions=[
                row("subscriptions", external_id=f"S{each}", account_external_id=each) for each in ids
            ],
        ),
    )
    assert {file["status"] for file in report["files"]} == {"landed"}
    with acme.here():
        pipeline.score_day(acme.tenant, as_of=date(2026, 6, 1), by=MAKER)
        assert len(set(AccountHealth.objects.values_list("health", "band"))) == 1


# --- anything at all ----------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.floats().map(str), st.integers().map(str), st.decimals(allow_nan=True).map(str),
    st.text("0123456789.,-+eE €$%_ ", max_size=12),
)  # fmt: skip


@EXAMPLES
@given(value=NUMBERS)
@example(value="1" * 400)
@example(value="1_000")
@example(value="9999999999.99999")
def test_input_23_any_number_lands_exactly_or_is_rejected_in_words(acme, tmp_path, value):
    from decimal import Decimal

    with acme.here():
        fault = rejected(acme, tmp_path, "invoices", amount=value)
        if fault is None:
            assert Invoice.objects.get().amount == Decimal(value)
            Invoice.objects.all().delete()
        else:
            assert fault[0] == "amount"
            assert fault[2].endswith((".", "taken."))


DATES = st.one_of(st.dates().map(str), st.datetimes().map(str), st.text("0123456789-T:Z+ ", max_size=25))


@EXAMPLES
@given(value=DATES)
def test_input_26_any_date_lands_exactly_or_is_rejected_in_words(acme, tmp_path, value):
    with acme.here():
        fault = rejected(acme, tmp_path, "subscriptions", renewal_date=value)
        if fault is None:
            assert str(Subscription.objects.get().renewal_date) == value
            Subscription.objects.all().delete()
        else:
            assert fault[0] == "renewal_date"
