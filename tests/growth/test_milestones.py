"""The next milestone of each customer: which it is, since when, back-tested or refused, and what pages show."""

import csv
import io
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np
import pytest

from accounts import models
from scoring.growth import work
from scoring.growth.lifecycle import MILESTONE, OBJECTIVE, stage_of
from scoring.growth.models import GrowthItem, GrowthReport
from scoring.learning.growth import milestones
from scoring.learning.growth.milestones import Customer, Fact
from tests.growth.world import judge, run_of, work_out
from tests.scoring.evidence import DAY, add, ago, subscribe

TODAY = float((DAY - milestones.EPOCH).days)


def customer(*facts, since=0.0, left=inf, number=1, objectives=()):
    return Customer(number, since, left, None, None, list(facts), list(objectives))


def fact(reached=inf, due=inf, name="x", kind=0, told=-inf):
    return Fact(kind, name, due, reached, told)


class TestWaits:
    def test_milestones_are_waited_for_one_after_another(self):
        waits = milestones.all_waits(customer(fact(10), fact(30), fact()), 50.0, MILESTONE)
        assert [(wait.began, wait.reached) for wait in waits] == [(0, 10), (10, 30), (30, inf)]

    def test_one_that_is_passed_over_is_waited_for_no_more(self):
        """The first is reached on day 40, but the second was on day 10 and the wait ended there."""
        waits = list(milestones.all_waits(customer(fact(40), fact(10), fact(30)), 50.0, MILESTONE))
        assert [(wait.began, wait.ended, wait.reached) for wait in waits] == [(0, 10, inf), (10, 30, 30)]

    def test_what_is_reached_in_the_same_moment_is_not_waited_for(self):
        mine = customer(
            fact(10, name="a"), fact(10, name="b"), fact(30, name="c"), fact(30, name="d"), fact(name="e")
        )
        waits = milestones.all_waits(mine, 50.0, MILESTONE)
        assert [(wait.fact.name, wait.began, wait.reached) for wait in waits] == [
            ("a", 0, 10), ("c", 10, 30), ("e", 30, inf),
        ]  # fmt: skip

    def test_what_was_reached_before_the_start_is_behind(self):
        (wait,) = milestones.all_waits(customer(fact(5), fact(), since=10), 50.0, MILESTONE)
        assert (wait.began, wait.reached) == (10, inf)

    @pytest.mark.parametrize(("day", "began", "name"), [(8.0, 0, "a"), (20.0, 10, "b"), (40.0, 30, "c")])
    def test_the_next_one_as_it_stood_on_a_day(self, day, began, name):
        mine = customer(fact(10, name="a"), fact(30, name="b"), fact(name="c"))
        (wait,) = milestones.open_waits(mine, day, MILESTONE)
        assert (wait.began, wait.fact.name) == (began, name)

    def test_an_objective_is_known_from_its_own_day(self):
        aims = [fact(told=20, kind=6, name="late"), fact(told=5, reached=15, kind=6, name="early")]
        mine = customer(objectives=aims)
        assert [wait.fact.name for wait in milestones.open_waits(mine, 10.0, OBJECTIVE)] == ["early"]
        assert [wait.fact.name for wait in milestones.open_waits(mine, 30.0, OBJECTIVE)] == ["late"]

    def test_nothing_is_waited_for_before_the_start_or_after_the_end(self):
        mine = customer(fact(), since=10, left=20)
        assert [mine.is_there(day) for day in (10.0, 11.0, 20.0, 21.0)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("values", "stage"),
    [
        ({"next_stage": "expansion"}, "expansion"),
        ({"next_stage": "adoption", "renewal": 10}, "adoption"),
        ({"last_stage": "adoption"}, "adoption"),
        ({"last_stage": "adoption", "renewal": 90}, "renewal"),
        ({"last_stage": "adoption", "renewal": 91}, "adoption"),
        ({"has_milestones": False, "since": 90}, "onboarding"),
        ({"has_milestones": False, "since": 91}, "adoption"),
        ({"has_milestones": False, "since": 300, "renewal": 5}, "renewal"),
    ],
)
def test_stages(values, stage):
    given = {
        "next_stage": None,
        "last_stage": None,
        "has_milestones": True,
        "since": 400,
        "renewal": None,
    } | values
    renewal = None if given["renewal"] is None else DAY + timedelta(days=given["renewal"])
    since = DAY - timedelta(days=given["since"])
    assert stage_of(**given | {"renewal": renewal, "since": since}, day=DAY)[0] == stage


def steady(count, *, seed=3):
    """Customers who reach one milestone after another, each 20 to 250 days after the last, whatever their due days."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        since = TODAY - rng.integers(200, 900)
        days = since + np.cumsum(rng.integers(20, 251, 12)).astype(float)
        facts = [
            fact(reached, due=reached + rng.integers(-20, 20), kind=at % 5) for at, reached in enumerate(days)
        ]
        found.append(customer(*facts, since=float(since), number=number))
    return found


@pytest.fixture(scope="module")
def report():
    return milestones.backtest(steady(60), TODAY, MILESTONE)


class TestBacktest:
    def test_on_a_steady_world_chances_and_dates_hold(self, report):
        last = report["judged"]["horizons"]["90"]
        assert report["why_not"] == ""
        assert last["ratio_low"] < 1 < last["ratio_high"]
        dates = report["judged"]["dates"]
        assert dates["n"] > 50
        assert dates["low"] < 0.9
        assert dates["coverage"] > 0.7
        assert sum(each["n"] for each in last["bins"]) <= report["judged"]["n"]

    def test_it_reads_nothing_later(self):
        """A cut of the world at a past day gives that day's forecasts to the last digit."""
        origin = TODAY - 90
        world = steady(60)
        cut = [
            customer(
                *(fact(f.reached if f.reached < origin else inf, f.due, kind=f.kind) for f in each.milestones),
                since=each.since, number=each.account_id,
            )
            for each in world
        ]  # fmt: skip
        whole, known = (milestones._origin(each, origin, TODAY, MILESTONE) for each in (world, cut))
        assert np.array_equal(whole[1], known[1])
        assert np.array_equal(whole[3], known[3], equal_nan=True)

    def test_too_few_are_refused_with_their_number(self):
        report = milestones.backtest(
            [customer(fact(TODAY - 100 + n), since=TODAY - 300) for n in range(19)], TODAY, MILESTONE
        )
        assert not report["is_shown"]
        assert "19" in report["why_not"]

    def test_without_a_past_to_test_on_it_is_refused(self):
        """Fifty were reached, all within the last 60 days."""
        report = milestones.backtest(
            [customer(fact(TODAY - 10 - n), since=TODAY - 90) for n in range(50)], TODAY, MILESTONE
        )
        assert not report["is_shown"]
        assert "Back-tested on 0 past days" in report["why_not"]

    def test_chances_that_did_not_come_true_are_refused(self):
        """Fifty customers reach theirs within weeks for years, and for a year nobody has."""
        rng = np.random.default_rng(4)
        world = []
        for number in range(50):
            days = TODAY - 900 + np.cumsum(rng.integers(10, 40, 30)).astype(float)
            facts = [fact(day if day < TODAY - 360 else inf) for day in days]
            world.append(customer(*facts, since=TODAY - 900, number=number))
        report = milestones.backtest(world, TODAY, MILESTONE)
        assert not report["is_shown"]
        assert "were expected" in report["why_not"] or "reached within 90 days" in report["why_not"]


def on(day):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


@pytest.fixture
def world(acme):
    """Alder has an overdue milestone and an objective, Birch nothing but a term, Cedar two that it reached."""
    run = run_of(acme)
    alder, birch, cedar = (acme.add_account(name) for name in ("Alder", "Birch", "Cedar"))
    add(acme, alder, models.Milestone, stage="onboarding", name="Go-live", due_at=ago(20))
    add(acme, alder, models.Milestone, stage="adoption", name="Second team", due_at=ago(-30))
    add(acme, alder, models.Objective, name="Faster close", declared_at=ago(50), due_at=ago(-60))
    for days, stage in ((90, "adoption"), (30, "expansion")):
        add(acme, cedar, models.Milestone, stage=stage, name=stage, due_at=ago(days), completed_at=ago(days))
    subscribe(acme, birch, renewal=DAY + timedelta(days=40))
    judge(acme, birch, run, renewal_date=DAY + timedelta(days=40), p_renew="0.8")
    return acme


def items(world):
    with world.here():
        rows = GrowthItem.objects.for_tenant(world.tenant).filter(kind="milestone").select_related("account")
        return {(each.account.name, each.pattern): each for each in rows}


@pytest.mark.django_db
class TestPages:
    def page(self, client, world, query="?kind=milestone", role="executive"):
        client.force_login(world.people[role].user)
        return client.get(world.url(f"growth/{query}"))

    def test_who_has_too_few_gets_a_stage_and_no_chance(self, world, client):
        work_out(world)
        found = items(world)
        assert {key: (each.product, each.facts["stage"]) for key, each in found.items()} == {
            ("Alder", "milestone"): ("Go-live", "onboarding"), ("Alder", "objective"): ("Faster close", "onboarding"),
            ("Birch", "renewal"): ("", "renewal"), ("Cedar", "renewal"): ("", "expansion"),
        }  # fmt: skip
        assert found["Alder", "milestone"].chance is None
        assert found["Birch", "renewal"].chance == pytest.approx(0.8)
        text = self.page(client, world).text
        assert "Reached so far: 2. At least 20 are needed." in text
        assert "overdue" in text
        assert "Nothing open" in text

    def test_a_renewals_chance_has_the_interval_of_its_customers_chance(self, world, client):
        """Leaving within 90 days: 5 to 20 %, on the log-odds -2.944 to -1.386, so 0.779 either way. To leave by the
        renewal: 20 %, -1.386; 0.779 either way are 10.29 and 35.27 %, and what stays is 64.73 to 89.71 %."""
        work_out(world)
        found = items(world)
        birch = found["Birch", "renewal"]
        assert (birch.low, birch.high) == (pytest.approx(0.6473, abs=1e-4), pytest.approx(0.8971, abs=1e-4))
        assert (found["Cedar", "renewal"].low, found["Cedar", "renewal"].high) == (None, None)
        client.force_login(world.executive.user)
        panel = client.get(world.url(f"accounts/{birch.account_id}/panels/growth/")).text
        for text in (panel, self.page(client, world).text):
            assert "65–90" in text

    def test_with_enough_there_is_a_chance_a_date_and_what_they_were_worth(self, world, client):
        with world.here():
            for each in steady(40, seed=9):
                account = models.Account.objects.create(
                    tenant=world.tenant, name=f"A{each.account_id}", external_id=f"A{each.account_id}",
                    customer_since=on(each.since).date(),
                )  # fmt: skip
                models.Milestone.objects.bulk_create(
                    models.Milestone(
                        tenant=world.tenant, account=account, external_id=f"M{each.account_id}-{at}", name=f"Step {at}",
                        stage=("onboarding", "adoption")[at % 2], due_at=on(one.due), completed_at=on(one.reached),
                    )
                    for at, one in enumerate(each.milestones)
                )  # fmt: skip
        work_out(world)
        with world.here():
            report = GrowthReport.objects.get(tenant=world.tenant).figures["milestones"]
        assert report["milestone"]["why_not"] == ""
        assert "Reached so far: 0." in report["objective"]["why_not"]
        found = items(world)["Alder", "milestone"]
        assert 0 < found.low <= found.chance <= found.high < 1
        assert found.facts["p30"] <= found.facts["p60"] <= found.chance
        text = self.page(client, world).text
        assert "dates whose 80% interval is over" in text
        account = found.account
        client.force_login(world.executive.user)
        panel = client.get(world.url(f"accounts/{account.pk}/panels/growth/")).text
        assert "Go-live" in panel
        assert "Faster close" in panel

    def test_the_file_is_the_list(self, world, client):
        work_out(world)
        client.force_login(world.csm.user)
        answer = client.post(world.url("growth/export/?kind=milestone"))
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert {(row["account"], row["stage"], row["name"]) for row in rows} == {
            ("Alder", "onboarding", "Go-live"), ("Alder", "onboarding", "Faster close"), ("Birch", "renewal", ""),
            ("Cedar", "expansion", ""),
        }  # fmt: skip

    def test_the_file_says_what_each_chance_is_one_of(self, world, client):
        work_out(world)
        with world.here():
            rows = GrowthItem.objects.for_tenant(world.tenant).filter(kind="milestone", pattern="milestone")
            rows.update(chance=0.4, low=0.3, high=0.5)
        client.force_login(world.csm.user)
        answer = client.post(world.url("growth/export/?kind=milestone"))
        rows = {(row["account"], row["kind"]): row for row in csv.DictReader(io.StringIO(answer.text))}
        assert "chance_90" not in rows["Birch", "renewal"]
        told = {key: (row["chance"], row["chance_of"], row["within_days"]) for key, row in rows.items()}
        assert told["Birch", "renewal"] == ("0.8", "renewed", "")
        assert told["Alder", "milestone"] == ("0.4", "reached", "90")
        assert told["Alder", "objective"] == ("", "", "")

    def test_a_report_from_before_the_lists_is_worked_out_anew(self, world, client):
        work_out(world)
        with world.here():
            report = GrowthReport.objects.get(tenant=world.tenant)
            assert not work.is_there_anything_new(world.tenant)
            report.figures = {key: report.figures[key] for key in ("renewals", "patterns")}
            report.save()
            assert work.is_there_anything_new(world.tenant)
        text = self.page(client, world).text
        assert "Not worked out yet" in text
        assert "06:00" in text
        assert "no customers" not in text
        assert "Work out now" not in text, "an executive asks for no jobs"
        assert "Nothing found" in self.page(client, world, "?kind=expansion").text
        with world.here():
            account = models.Account.objects.get(name="Alder")
        assert "Not worked out yet" in client.get(world.url(f"accounts/{account.pk}/panels/growth/")).text
        assert "Work out now" in self.page(client, world, role="manager").text
        assert client.post(world.url("growth/run/")).status_code == 303
        assert "next in line" in self.page(client, world, role="manager").text
        work_out(world)
        text = self.page(client, world, role="manager").text
        assert "Alder" in text
        assert "Work out now" not in text

    def test_hidden_and_foreign_accounts_stay_out(self, world, globex, client):
        with world.here():
            models.AccountGroupPerm.objects.filter(content_object__name="Alder").delete()
        work_out(world)
        run_of(globex)
        work_out(globex)
        text = self.page(client, world, role="manager").text
        assert "Cedar" in text
        assert "Alder" not in text
        assert "There are no customers among these accounts" in self.page(client, globex).text

    def test_statements_do_not_grow_with_rows(self, world, client, query_count):
        work_out(world)
        client.force_login(world.executive.user)
        few = query_count(lambda: client.get(world.url("growth/?kind=milestone")))
        for number in range(6):
            account = world.add_account(f"More {number}")
            add(world, account, models.Milestone, stage="onboarding", name="Go-live")
        work_out(world)
        assert query_count(lambda: client.get(world.url("growth/?kind=milestone"))) == few <= 12
