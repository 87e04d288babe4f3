"""Trials: what they did, their rank among past ones, when a chance may be shown, and how use spreads."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import models
from scoring.growth.models import GrowthItem, GrowthReport
from scoring.learning.growth import trials
from scoring.learning.growth.trials import Point
from tests.growth.world import run_of, work_out
from tests.scoring.evidence import DAY, add_usage, ago, contact


def point(number, days, *, won_after=None, runs=False, age=14, seen=200):
    return Point(number, runs, age, DAY - timedelta(days=age), won_after, seen, {"active_days": float(days)})


class TestScore:
    def test_it_is_the_mean_rank_among_those_that_tell_the_same(self):
        """Ten of twenty did less, four as much: (10 + 4 / 2) / 20."""
        past = [point(each, days) for each, days in enumerate([1] * 10 + [3] * 4 + [5] * 6)]
        assert trials.score_of(point(99, 3), trials.done_by(past)) == (60.0, 20)

    def test_fewer_than_twenty_say_nothing(self):
        assert trials.score_of(point(99, 3), trials.done_by([point(each, 1) for each in range(19)])) is None

    def test_a_trial_is_not_compared_with_itself(self):
        past = [point(each, 1) for each in range(20)]
        assert trials.score_of(past[0], trials.done_by(past), is_one=True) is None


class TestRates:
    def past(self, won):
        """Ninety trials that did 0 to 6 days; the `won` busiest converted after ten days."""
        return [point(n, n * 7 // 90, won_after=10 if n >= 90 - won else None) for n in range(90)]

    def test_thirds_have_rates_drawn_towards_each_other(self):
        found = trials.rates_of(self.past(40))
        assert found["why_not"] == ""
        assert (found["cases"], found["won"]) == (90, 40)
        assert sum(hits for hits, _ in found["counts"].values()) == 40
        low, middle, high = (found["chances"][name] for name in trials.THIRDS)
        assert low < middle < high
        assert 0 < low < high < 1
        assert found["days"]["high"] == 10

    @pytest.mark.parametrize("won", [19, 71, 90])
    def test_both_ends_need_twenty(self, won):
        assert f"{won} converted" in trials.rates_of(self.past(won))["why_not"]

    def test_only_conversions_within_thirty_days_count(self):
        assert not point(1, 3, won_after=30).has_won
        assert point(1, 3, won_after=29).has_won


def tried(world, name, began, *, won=None, since=None, **usage):
    account = world.add_account(
        name,
        customer_since=since,
        trial_started_at=ago(began),
        converted_at=None if won is None else ago(won),
    )
    if usage:
        add_usage(world, account, first=usage.pop("first", 7), last=1, **usage)
    return account


def use(world, account, person, days):
    day = DAY - timedelta(days=days)
    with world.here():
        with connection.cursor() as cursor:
            cursor.execute("SELECT ensure_partition('accounts_usage_detail', %s)", [day.replace(day=1)])
        models.UsageDetail.objects.create(
            tenant=world.tenant, account=account, day=day, contact_external_id=person, product="Core",
            feature="Invite people" if days < 3 else "x", count=2, source="test", recorded_at=timezone.now(),
        )  # fmt: skip


@pytest.fixture
def world(acme):
    """Alder is on day 12, Birch on day 3; Cedar converted, Dogwood became a customer, Elm never did."""
    run_of(acme)
    alder = tried(acme, "Alder", 12, active_users=4, features_used=3)
    tried(acme, "Birch", 3)
    tried(acme, "Cedar", 100, won=90, since=date(2026, 7, 3))
    tried(acme, "Dogwood", 100, since=DAY - timedelta(days=80))
    tried(acme, "Elm", 100)
    contact(acme, alder, name="Ada", joined_at=ago(5))
    return acme


@pytest.mark.django_db
class TestWorld:
    def items(self, world):
        with world.here():
            rows = GrowthItem.objects.for_tenant(world.tenant).filter(kind="trial").select_related("account")
            return {each.account.name: each for each in rows}

    def figures(self, world):
        with world.here():
            return GrowthReport.objects.get(tenant=world.tenant).figures["trials"]

    def test_running_trials_and_what_they_did(self, world):
        work_out(world)
        found = self.items(world)
        assert set(found) == {"Alder", "Birch"}
        facts = found["Alder"].facts
        assert (facts["age"], facts["began"]) == (12, str(DAY - timedelta(days=12)))
        assert facts["done"] == {"active_days": 7, "active_users": 4, "features": 3, "joined": 1}
        assert "Fewer than 20 past trials" in facts["why_not"]
        assert "too early" in found["Birch"].facts["why_not"]
        assert all(each.chance is None for each in found.values())
        figures = self.figures(world)
        assert (figures["running"], figures["ended"], figures["won"], figures["days"]) == (2, 3, 2, 15)

    def test_who_was_a_customer_before_is_no_trial_that_converts(self, world):
        tried(world, "Fir", 100, since=DAY - timedelta(days=300))
        tried(world, "Gum", 100, won=150)
        tried(world, "Hazel", 100, since=DAY - timedelta(days=100))  # on the day it began: no hour is known
        work_out(world)
        figures = self.figures(world)
        assert (figures["ended"], figures["won"], figures["days"]) == (4, 3, 10)  # after 0, 10 and 20 days

    def test_a_trial_that_runs_is_not_among_the_past_ones(self, world, monkeypatch):
        """Its own seventh day is over 30 days ago, and still it is no other trial to compare it with."""
        with world.here():
            elm = models.Account.objects.get(tenant=world.tenant, name="Elm")
        runs, compared = tried(world, "Long", 50), set()
        rates_of = trials.rates_of
        monkeypatch.setattr(
            trials,
            "rates_of",
            lambda past: compared.update(each.account_id for each in past) or rates_of(past),
        )
        work_out(world)
        assert "Long" in self.items(world)
        assert elm.pk in compared
        assert runs.pk not in compared

    def test_a_conversion_that_is_not_known_yet_has_not_happened(self, world):
        tried(world, "Later", 12, won=-3)
        work_out(world)
        assert "Later" in self.items(world)

    def test_new_people_per_active_person_and_invites(self, world):
        """In one account two were active in the 30 days before; one of them and a third, new one since."""
        with world.here():
            alder = models.Account.objects.get(tenant=world.tenant, name="Alder")
        for person, days in (("a", 40), ("b", 45), ("a", 10), ("c", 2)):
            use(world, alder, person, days)
        work_out(world)
        assert self.figures(world)["spread"] == {"accounts": 1, "active": 2, "new": 1, "invites": 2}

    def test_the_list_says_that_no_chance_is_known_and_that_invites_are_missing(self, world, globex, client):
        work_out(world)
        client.force_login(world.executive.user)
        text = client.get(world.url("growth/?kind=trial")).text
        assert "Not yet calibrated" in text
        assert "Not in the data" in text
        assert "2 <small>of 3</small>" in text
        client.force_login(world.csm.user)
        assert "New people per active person" not in client.get(world.url("growth/?kind=trial")).text
        client.force_login(globex.executive.user)
        run_of(globex)
        work_out(globex)
        assert "None of these accounts is in a trial" in client.get(globex.url("growth/?kind=trial")).text

    def test_the_account_page_shows_its_trial(self, world, client):
        work_out(world)
        client.force_login(world.executive.user)
        pk = self.items(world)["Alder"].account_id
        text = client.get(world.url(f"accounts/{pk}/panels/growth/")).text
        assert "In a trial, day 12" in text
        assert "7 active days" in text
