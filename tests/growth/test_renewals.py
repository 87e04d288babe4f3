"""Renewals by quarter: sums by hand, intervals, rates, what became of it, and who sees what."""

import csv
import html
import io
import math
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts import models
from audit.models import AuditEvent
from scoring.growth import quarters
from scoring.growth.models import GrowthReport, RenewalForecast, RenewalTarget, RenewalTerm
from scoring.models import ScoreRun
from tests.growth.world import Q1, Q4, judge, run_of, work_out
from tests.scoring.evidence import DAY, add, ago, subscribe

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(acme):
    """Four customers: two in the fourth quarter, one of them without a rate, one in the first, one not judged."""
    run = run_of(acme)
    with acme.here():
        models.FxRate.objects.create(tenant=acme.tenant, currency="EUR", day=date(2026, 9, 1), rate="1.10")
        models.FxRate.objects.create(tenant=acme.tenant, currency="EUR", day=date(2026, 11, 1), rate="9")
    accounts = {
        name: acme.add_account(name, segment=segment, region=region)
        for name, segment, region in (
            ("Alder", "smb", "EMEA"), ("Birch", "smb", "AMER"), ("Cedar", "enterprise", "EMEA"),
            ("Dogwood", "enterprise", "EMEA"),
        )
    }  # fmt: skip
    subscribe(acme, accounts["Alder"], arr="12000", renewal=date(2026, 11, 10))
    subscribe(
        acme, accounts["Alder"], arr="100", renewal=date(2026, 11, 10), started_at=ago(3)
    )  # by the month
    subscribe(acme, accounts["Birch"], arr="20000", currency="EUR", renewal=date(2027, 2, 1))
    subscribe(acme, accounts["Cedar"], arr="50000", currency="SEK", renewal=date(2026, 12, 1))
    subscribe(acme, accounts["Dogwood"], arr="30000", renewal=date(2026, 12, 24))
    for name in ("Alder", "Birch", "Cedar"):
        judge(acme, accounts[name], run)
    judge(acme, accounts["Dogwood"], run, leaves=None)
    return acme


def page(client, world, path="renewals/", role="executive"):
    client.force_login(world.people[role].user)
    return client.get(world.url(path))


def test_quarters():
    assert quarters.ahead(date(2026, 11, 22)) == [
        date(2026, 10, 1), date(2027, 1, 1), date(2027, 4, 1), date(2027, 7, 1)
    ]  # fmt: skip
    assert quarters.named(date(2026, 4, 1)) == "Q2 2026"


def test_expected_is_arr_times_the_chance_at_the_rate_of_the_day(world):
    work_out(world)
    with world.here():
        terms = {
            row.account.name: (row.arr_reporting, row.p_renew, row.expected)
            for row in RenewalTerm.objects.for_tenant(world.tenant).select_related("account")
        }
        made = {row.quarter: row.figures["all"] for row in RenewalForecast.objects.for_tenant(world.tenant)}
    # 40 days ahead lies in the period that ends after 60: 1 - .1; 123 days in that of 180: 1 - .2
    assert terms == {
        "Alder": (Decimal("12000.00"), Decimal("0.900000"), Decimal("10800.00")),
        "Birch": (Decimal("22000.00"), Decimal("0.800000"), Decimal("17600.00")),
        "Cedar": (None, Decimal("0.900000"), None),
        "Dogwood": (Decimal("30000.00"), None, None),
    }
    assert made[Q4]["expected"] == pytest.approx(10800)
    assert made[Q1]["expected"] == pytest.approx(17600)
    assert len(made) == 4
    low, high = made[Q1]["intervals"]["80"]
    assert (low, high) == (0, 22000)  # one account stays with 80 % or goes with 20 %


def test_a_notice_that_stands_and_a_following_term(world):
    with world.here():
        alder, birch = (
            models.Subscription.objects.select_related("account").get(
                tenant=world.tenant, account__name=name, arr=arr
            )
            for name, arr in (("Alder", 12000), ("Birch", 20000))
        )
        models.Subscription.objects.filter(pk=alder.pk).update(cancelled_at=ago(2))
    subscribe(world, birch.account, arr="21000", currency="EUR", renewal=date(2028, 2, 1), started_at=ago(1))
    work_out(world)
    with world.here():
        terms = dict(RenewalTerm.objects.for_tenant(world.tenant).values_list("account__name", "expected"))
    assert terms["Alder"] == 0
    assert "Birch" not in terms  # the next term stands already


def test_the_page_shows_sums_rates_and_the_rows_behind(world, client):
    work_out(world)
    with world.here():
        RenewalTarget.objects.create(tenant=world.tenant, quarter=Q4, amount=40000)
        values = {"type": "renewal", "forecast_category": "commit", "stage": "x", "currency": "USD"}
        account = models.Account.objects.get(tenant=world.tenant, name="Alder")
    add(
        world, account, models.Opportunity, name="x", amount=11000, created_at=ago(9),
        close_date=date(2026, 11, 1), **values,
    )  # fmt: skip
    text = page(client, world).text
    assert "No exchange rate for SEK" in text
    for amount in ("$42,000", "$10,800", "$40,000", "$11,000"):
        assert amount in text
    assert "Alder" in text
    assert "Birch" not in text
    assert "$17,600" in page(client, world, "renewals/?quarter=2027-01-01&by=region").text
    assert "No quarter has closed" in text


def test_the_screen_and_the_files_agree(world, client):
    work_out(world)
    client.force_login(world.executive.user)
    answer = client.post(world.url("renewals/export/?quarter=2026-10-01&by=segment"))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    whole = next(row for row in rows if row["table"] == "quarters" and row["quarter"] == "Q4 2026")
    groups = [row for row in rows if row["table"] == "groups"]
    assert whole["arr"] == "42000.00"
    assert {row["group"]: row["expected"] for row in groups} == {
        "smb": "10800.00",
        "enterprise": "",
    }  # none judged
    assert whole["expected"] == "10800.00"
    assert (whole["without_rate"], whole["without_chance"]) == ("1", "1")
    assert sum(Decimal(row["arr"]) for row in groups) == Decimal(whole["arr"])
    answer = client.post(world.url("renewals/terms/export/?quarter=2026-10-01"))
    terms = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(Decimal(row["expected"] or 0) for row in terms) == Decimal(whole["expected"])
    assert len(terms) == int(whole["terms"]) == 3
    assert {row["reporting_currency"] for row in terms} == {"USD"}  # of the amounts beside each term's own
    with world.here():
        assert AuditEvent.objects.filter(tenant=world.tenant, verb="accounts.exported").count() == 2


def test_a_part_of_the_accounts_gets_the_approximate_interval(world, client):
    """Only Alder: 12,000 at .9. With the common shock c: SD^2 = 12000^2 x .09 + (c x 12000 x .09)^2."""
    work_out(world)
    client.force_login(world.executive.user)
    answer = client.post(world.url("renewals/export/?quarter=2026-10-01&segment=smb"))
    row = next(csv.DictReader(io.StringIO(answer.text)))
    with world.here():
        common = RenewalForecast.objects.get(tenant=world.tenant, quarter=Q4).figures["all"]["common"]
    half = 1.2815515655446004 * math.sqrt(12000**2 * 0.09 + (common * 12000 * 0.09) ** 2)
    assert row["interval"] == "approximate"
    assert float(row["low_80"]) == pytest.approx(10800 - half, abs=0.01)
    assert float(row["high_80"]) == 12000  # no more than there is


TOLD = {"accounts": 3, "expected": 3600.0, "common": 0.5, "intervals": {"80": [100.0, 9000.0]}}


class TestAtStakeNow:
    """Alder, Birch and Cedar: 12,000 at .1 each."""

    @pytest.fixture
    def world(self, world):
        work_out(world)
        with world.here():
            ScoreRun.objects.for_tenant(world.tenant).update(summary={"chances": {"stake": TOLD}})
        return world

    def tile(self, client, world, query="", role="executive"):
        text = page(client, world, f"renewals/?{query}", role=role).text
        found = text[text.index("At stake now") :].partition("</dl>")[0]
        return " ".join(re.sub("<[^>]+>", " ", found).split()), html.unescape(found)

    def test_of_all_it_has_the_runs_own_interval(self, client, world):
        words, _ = self.tile(client, world)
        assert "$3.6k" in words
        assert "3 accounts" in words
        assert "100–9k, 80% interval by simulation" in words

    def test_the_filters_hold_for_it_and_for_its_rows(self, client, world):
        """Alder and Birch: luck 2 x 12,000^2 x .09, slope 2 x 12,000 x .09, SD 5,204, half of the interval 6,670."""
        words, found = self.tile(client, world, "segment=smb")
        assert "$2.4k" in words
        assert "2 accounts" in words
        assert "0–9.1k, 80% interval by approximation" in words
        [address] = re.findall('href="([^"]+figure=stake[^"]*)"', found)
        assert "segment=smb" in address
        rows = client.get(address).text
        assert ("Alder" in rows, "Birch" in rows, "Cedar" in rows) == (True, True, False)
        assert "$2,400" in rows
        words, _ = self.tile(client, world, "segment=smb&region=AMER")
        assert "$1.2k" in words

    def test_without_what_the_run_tells_it_says_when_there_is_an_interval(self, client, world):
        with world.here():
            ScoreRun.objects.for_tenant(world.tenant).update(summary={})
        words, _ = self.tile(client, world)
        assert "its interval comes with the next scoring" in words


def test_without_a_model_nothing_is_expected(acme, client):
    account = acme.add_account("Alder")
    subscribe(acme, account, arr="12000", renewal=date(2026, 11, 10))
    judge(acme, account, run_of(acme), leaves=None)
    work_out(acme)
    text = page(client, acme).text
    assert "Not yet calibrated" in text
    assert "$12,000" in text


def test_before_the_first_run_and_before_the_first_figures(acme, client):
    assert "Nothing was scored yet" in page(client, acme).text
    run_of(acme)
    assert "Not worked out yet" in page(client, acme).text


def test_a_reader_without_the_right_sees_no_amounts(world, client):
    work_out(world)
    text = page(client, world, role="reviewer").text
    assert "Amounts are not shown to your role" in text
    assert "$" not in text
    assert "Alder" in text


def test_a_manager_sees_own_accounts_and_no_others_sums(world, client):
    account = world.add_account("Elm", owner=None, segment="smb")
    with world.here():
        models.AccountGroupPerm.objects.filter(content_object=account).delete()
    subscribe(world, account, arr="7777", renewal=date(2026, 11, 10))
    work_out(world)
    text = page(client, world, role="manager").text
    assert "$42,000" in text
    assert "Elm" not in text
    assert "Past forecasts" not in text
    assert "$49,777" in page(client, world).text


def test_another_tenants_terms_stay_out(world, globex, client):
    account = globex.add_account("Fir")
    subscribe(globex, account, arr="5555", renewal=date(2026, 11, 10))
    judge(globex, account, run_of(globex))
    work_out(globex)
    work_out(world)
    text = page(client, globex).text
    assert "$5,555" in text
    assert "Alder" not in text
    assert "Fir" not in page(client, world).text


def test_a_closed_quarter_is_scored_by_the_forecast_that_opened_it(world, client):
    """Alder renews, Dogwood is judged too by then and leaves: 10,800 + 27,000 were expected, 12,000 came."""
    from scoring.models import AccountHealth

    with world.here():
        health = AccountHealth.objects.get(tenant=world.tenant, account__name="Dogwood")
        health.leaves, health.p90, health.model_version = [0.1] * 6, Decimal("0.1"), "churn v1"
        health.save()
    work_out(world)
    with world.here():
        alder = models.Subscription.objects.select_related("account").get(
            tenant=world.tenant, account__name="Alder", arr=12000
        )
        dogwood = models.Account.objects.get(tenant=world.tenant, name="Dogwood")
    run_of(world, DAY + timedelta(days=40))  # a forecast within the quarter is not scored
    work_out(world)
    subscribe(world, alder.account, arr="13000", renewal=date(2027, 11, 10), started_at=ago(-41))
    add(world, dogwood, models.Outcome, kind="churned", effective_at=ago(-84))
    run_of(world, Q1)
    work_out(world)
    with world.here():
        row = RenewalForecast.objects.get(tenant=world.tenant, quarter=Q4, as_of=DAY)
        past = GrowthReport.objects.get(tenant=world.tenant).figures["renewals"]
        kept = set(RenewalTerm.objects.for_tenant(world.tenant).values_list("forecast__as_of", flat=True))
    assert row.actual == Decimal("12000.00")
    assert (row.figures["renewed"], row.figures["terms"], row.figures["undecided"]) == (1, 2, 0)
    assert past["n"] == 1
    assert past["bias"] == pytest.approx(37800 - 12000)
    assert past["widen"] is None  # twelve quarters are needed
    assert kept == {DAY, Q1}
    assert "Past forecasts" in page(client, world).text


def test_the_pages_queries_do_not_grow_with_rows(world, client, query_count):
    work_out(world)
    client.force_login(world.executive.user)
    few = query_count(lambda: client.get(world.url("renewals/")))
    for number in range(8):
        account = world.add_account(f"More {number}")
        subscribe(world, account, arr="100", renewal=date(2026, 11, 10))
    work_out(world)
    assert query_count(lambda: client.get(world.url("renewals/"))) == few <= 12
