"""Money, contract and company news against figures worked out by hand, with later facts left out."""

from datetime import date
from decimal import Decimal

import pytest

from accounts import models
from tests.scoring.evidence import DAY, add, ago, subscribe
from tests.scoring.readings import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account(employees=400)


@pytest.fixture
def other(acme):
    """A second customer, so that a source can be there without speaking of `account`."""
    return acme.add_account("Other")


def bill(world, account, amount, currency="USD", *, due, paid=None, **values):
    paid_at = None if paid is None else ago(paid)
    add(
        world, account, models.Invoice, issued_at=ago(due + 30), due_at=ago(due), paid_at=paid_at, amount=amount,
        currency=currency, **values,
    )  # fmt: skip


def rate(world, currency, day, rate):
    with world.here():
        models.FxRate.objects.create(tenant=world.tenant, currency=currency, day=day, rate=Decimal(rate))


def test_arrears_in_one_currency(acme, account, other):
    subscribe(acme, account, arr="20000", currency="EUR")
    bill(acme, account, 700, "EUR", due=40)
    bill(acme, account, 300, "EUR", due=3, paid=0)  # paid on the day: not known yet
    bill(acme, account, 5000, "EUR", due=9, paid=1)
    bill(acme, account, 5000, "EUR", due=9, voided_at=ago(2))
    bill(acme, account, 5000, "EUR", due=-1)
    bill(acme, other, 5000, due=20, paid=10)
    owing, paid = read(acme, account, other)
    assert owing["business.arrears_share"].value == 0.05  # 1,000 of 20,000, without any rate
    assert owing["business.arrears_share"].text == "5% of the ARR is overdue"
    assert paid["business.arrears_share"].value == 0


def test_arrears_in_two_currencies_need_the_rates_of_the_day(acme, account, other):
    subscribe(acme, account, arr="20000", currency="USD")
    bill(acme, account, 1000, "EUR", due=40)
    assert read(acme, account)["business.arrears_share"].missing == "not_yet"  # never 1:1
    rate(acme, "EUR", date(2026, 9, 1), "1.2")
    rate(acme, "EUR", date(2026, 10, 2), "9")
    assert read(acme, account)["business.arrears_share"].value == 0.06  # 1,200 of 20,000
    assert read(acme, other)["business.arrears_share"].missing == "not_yet"  # without invoices


def test_price_discount_and_seats_against_the_term_before(acme, account, other):
    before = {"product": "Core", "started_at": ago(465), "renewal": date(2026, 6, 23)}
    subscribe(acme, account, arr="10000", seats=100, **before)
    subscribe(
        acme, account, arr="13200", seats=110, product="Core", started_at=ago(100), renewal=date(2027, 6, 23),
        list_arr=Decimal(16500), term_months=12, auto_renew=True,
    )  # fmt: skip
    subscribe(acme, account, arr="900", seats=10, product="Add-on", started_at=ago(50), auto_renew=False)
    subscribe(
        acme, account, arr="99000", seats=9, product="Core", started_at=ago(0), renewal=date(2027, 9, 30)
    )
    found = read(acme, account)
    assert found["business.price_change"].value == 0.2  # 120 a seat after 100
    assert found["business.price_change"].text == "Price up 20% on the earlier term"
    assert found["business.discount"].value == 0.2
    assert found["business.seats_change"].value == pytest.approx(0.1)  # the add-on has nothing before it
    assert found["business.auto_renew"].value == 0
    assert found["business.contract_length"].value == 12
    assert found["business.room_to_grow"].value == 0.7  # 120 seats of 400 employees
    subscribe(acme, other)
    new = read(acme, other)
    assert [new[f"business.{each}"].missing for each in ("price_change", "discount", "seats_change")] == [
        "not_yet"
    ] * 3
    assert [new[f"business.{each}"].missing for each in ("auto_renew", "room_to_grow")] == ["not_yet"] * 2


def test_monthly_terms_are_compared_with_a_year_ago(acme, account, other):
    for months in range(14, 0, -1):
        prices = "1000" if months > 3 else "1100"
        end = DAY.toordinal() - 30 * (months - 1) + 9
        subscribe(
            acme, account, arr=prices, seats=None, started_at=ago(30 * (months - 1) + 21),
            renewal=date.fromordinal(end),
        )  # fmt: skip
    found = read(acme, account)
    assert found["business.price_change"].value == 0.1  # without seats: of the ARR
    assert found["business.seats_change"].missing == "not_yet"
    assert found["business.contract_length"].value == pytest.approx(30 / 30.4375, abs=1e-6)
    subscribe(acme, other, currency="EUR", started_at=ago(500), renewal=date(2026, 6, 1))
    subscribe(acme, other, currency="USD", started_at=ago(120))
    assert read(acme, other)["business.price_change"].missing == "not_yet"  # two currencies


def test_notice_ends_an_automatic_renewal_from_its_own_day(acme, account, other):
    subscribe(acme, account, auto_renew=True, cancelled_at=ago(0))
    subscribe(acme, other, auto_renew=True, cancelled_at=ago(1))
    kept, ended = read(acme, account, other)
    assert (kept["business.auto_renew"].value, ended["business.auto_renew"].value) == (1, 0)


def test_contract_value_is_a_place_and_unknown_without_a_rate(acme, account, other):
    subscribe(acme, account, arr="20000", currency="CHF")
    assert read(acme, account)["business.contract_value"].missing == "not_yet"
    rate(acme, "CHF", date(2026, 9, 30), "1.1")
    subscribe(acme, other, arr="21000", currency="USD")
    subscribe(acme, acme.add_account("Third"), arr="22000", currency="USD")
    found, smaller = read(acme, account, other)
    assert found["business.contract_value"].value == pytest.approx(1 / 3, abs=1e-6)  # one of three pays less
    assert smaller["business.contract_value"].text == "The smallest contract"


def test_downgrades(acme, account, other):
    for kind, days in (
        ("downgraded", 365),
        ("downgraded", 20),
        ("downgraded", 366),
        ("renewed", 5),
        ("downgraded", 0),
    ):
        add(acme, account, models.Outcome, kind=kind, effective_at=ago(days))
    found, none = read(acme, account, other)
    assert found["business.downgrades_365d"].value == 2
    assert found["business.downgrades_365d"].newest_ago == 20
    assert none["business.downgrades_365d"].value == 0


def test_company_news_by_kind(acme, account, other):
    for kind, days in (
        ("layoffs", 180), ("layoffs", 181), ("layoffs", 0), ("leadership_change", 3), ("leadership_change", 9),
        ("competitor_mention", 100), ("funding", 2),
    ):  # fmt: skip
        add(acme, account, models.CompanyEvent, kind=kind, published_at=ago(days))
    found, none = read(acme, account, other)
    keys = ("business.layoffs_180d", "business.leadership_change_180d", "business.competitor_news_180d")
    assert [found[key].value for key in keys] == [1, 2, 1]
    assert [found[key].newest_ago for key in keys] == [180, 3, 100]
    assert [none[key].value for key in keys] == [0, 0, 0]
