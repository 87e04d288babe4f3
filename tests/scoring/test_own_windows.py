"""Indicators under windows of a tenant's own, against figures worked out by hand; one or more tests a family."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import models
from scoring import pipeline
from scoring.catalogue import INDICATORS
from scoring.why.usage import usage_context
from tests.scoring.evidence import DAY, add, add_usage, ago, contact, rich, score, subscribe
from tests.scoring.finding import found
from tests.scoring.test_indicators_usage import use
from tests.scoring.test_windows import set_window

pytestmark = pytest.mark.django_db
KEYS = [each.key for each in INDICATORS]


def read(world, **windows):
    """{account id: {key: value}} of DAY; windows by key with __ for the dot, the others as declared."""
    own = {key.replace("__", "."): days for key, days in windows.items()}
    features, values = pipeline.values_of_day(world.tenant, as_of=DAY, windows=own)
    rows = [
        {key: None if each != each else each for key, each in zip(KEYS, row, strict=True)} for row in values
    ]
    return dict(zip(features.ids.tolist(), rows, strict=True))


def both(world, account, key, days):
    """The value over the declared window, and over one of so many days."""
    return all_of(world, account, days, key)[0]


def all_of(world, account, days, *keys):
    """The same of several indicators at once; that their windows do not meddle is tested elsewhere."""
    usual = read(world)[account.pk]
    own = read(world, **{key.replace(".", "__"): days for key in keys})[account.pk]
    return [(usual[key], own[key]) for key in keys]


@pytest.fixture
def account(acme):
    return acme.add_account(customer_since=DAY - timedelta(days=900))


@pytest.fixture
def other(acme):
    return acme.add_account("Other", customer_since=DAY - timedelta(days=900))


class TestUsage:
    def test_trends_compare_the_last_third_with_the_rest(self, acme, account):
        for first, last, n in ((90, 46, 900), (45, 16, 200), (15, 1, 150)):
            add_usage(acme, account, first=first, last=last, core_events=n, api_calls=n, data_gb=n)
        whole = (15 * 150 + 15 * 200) / 30 / ((15 * 200 + 45 * 900) / 60) - 1
        found_of = all_of(acme, account, 45, "usage.trend_30d", "usage.api_trend", "usage.data_trend")
        assert found_of == [(pytest.approx(whole), -0.25)] * 3  # 15 days against 30
        set_window(acme, "usage.trend_30d", 45)
        assert found(acme, account, "usage.trend_30d")["text"] == "Usage down 25% against the 30 days before"

    def test_a_trend_needs_a_third_of_the_days_of_both(self, acme, account, other):
        add_usage(acme, other, first=60, last=1, core_events=10)
        add_usage(acme, account, first=25, last=16, core_events=10)  # 10 of 30
        add_usage(acme, account, first=5, last=2, core_events=20)  # 4 of 15
        assert both(acme, account, "usage.trend_30d", 45)[1] is None
        add_usage(acme, account, first=6, last=6, core_events=20)
        assert both(acme, account, "usage.trend_30d", 45)[1] == 1.0

    def test_levels(self, acme, account):
        subscribe(acme, account, seats=100)
        known = {"core_events": 100, "errors": 20, "logins": 90, "active_users": 90, "features_used": 4}
        add_usage(acme, account, first=30, last=11, **known)
        now = {"core_events": 100, "errors": 2, "logins": 60, "active_users": 30, "features_used": 8}
        add_usage(acme, account, first=10, last=1, **now)
        narrow, wide = (acme.add_account(name) for name in ("Narrow", "Wide"))
        add_usage(acme, narrow, first=30, last=1, features_used=5)
        add_usage(acme, wide, first=30, last=1, features_used=6)
        users, errors, logins = all_of(
            acme, account, 10, "usage.active_users_per_seat", "usage.error_rate", "usage.login_frequency"
        )
        assert (users, errors, logins) == ((0.7, 0.3), (420 / 3000, 0.02), (2400 / 2100, 2.0))
        # 16/3 features a day where 5 and 6 are the others': the middle one is the broad one; 8 over 10 days
        assert both(acme, narrow, "usage.breadth", 10) == (pytest.approx(5 / (16 / 3)), pytest.approx(5 / 6))

    def test_last_use_is_looked_for_as_far_back_as_its_window_and_counts_no_longer(
        self, acme, account, other
    ):
        add_usage(acme, acme.add_account("The feed is alive"), first=1, last=1)
        add_usage(acme, account, first=100, last=100, core_events=5)
        add_usage(acme, other, first=300, last=300, core_events=5)
        assert both(acme, account, "usage.days_since_last", 60) == (100, 60)
        assert both(acme, other, "usage.days_since_last", 365) == (None, 300)

    def test_the_best_month_of_a_longer_time(self, acme, account):
        for first, last, n in ((300, 271, 400), (90, 31, 200), (30, 1, 100)):
            add_usage(acme, account, first=first, last=last, core_events=n)
        assert both(acme, account, "usage.level_of_best", 300) == (0.5, 0.25)
        set_window(acme, "usage.level_of_best", 300)
        text = found(acme, account, "usage.level_of_best")["text"]
        assert text == "Usage is at 25% of its best month in 300 days"

    def test_months_are_whole_where_other_windows_begin_within_them(self, acme, account):
        """Days are added up between the edges of all windows; 45 and 55 lie in the middle of the second month."""
        for first, last, n in ((90, 61, 100), (60, 41, 100), (40, 31, 400), (30, 1, 100)):
            add_usage(acme, account, first=first, last=last, core_events=n)
        own = {"usage__trend_30d": 45, "usage__api_trend": 55}
        assert read(acme, **own)[account.pk]["usage.level_of_best"] == 0.5  # of 200, the mean of that month

    def test_uneven_weeks_of_a_shorter_time(self, acme, account):
        for week, n in enumerate((10, 20, 10, 20)):
            add_usage(acme, account, first=7 * week + 7, last=7 * week + 1, core_events=n)
        spread = both(acme, account, "usage.volatility", 28)
        assert spread == (None, pytest.approx(5 / 15))  # 6 weeks of 8 are needed, and 3 of 4

    def test_features_given_up_by_the_same_pace_in_a_shorter_time(self, acme, account):
        use(acme, account, "Reports", range(16, 20))  # on 4 of the 30 days before: the pace of 8 of 60
        use(acme, account, "Boards", range(16, 19))
        use(acme, account, "Search", range(1, 5))
        assert both(acme, account, "usage.features_abandoned", 45) == (None, 1)
        use(acme, account, "Reports", range(46, 60))  # outside of the 45 days
        assert both(acme, account, "usage.features_abandoned", 45)[1] == 1


class TestEngagement:
    def test_silence_counts_no_longer_than_its_window(self, acme, account, other):
        add(acme, other, models.Activity, kind="note", occurred_at=ago(1))
        add(acme, account, models.Activity, kind="meeting", occurred_at=ago(200))
        assert both(acme, account, "engagement.last_two_way_contact", 60) == (200, 60)

    def test_mails_without_an_answer(self, acme, account):
        add(acme, account, models.Activity, kind="email", direction="inbound", occurred_at=ago(150))
        for days in (120, 80, 20):
            add(acme, account, models.Activity, kind="email", direction="outbound", occurred_at=ago(days))
        assert both(acme, account, "engagement.unanswered", 30) == (2, 1)
        assert both(acme, account, "engagement.unanswered", 200)[1] == 3


class TestSatisfaction:
    def test_change_compares_the_last_third_with_the_rest(self, acme, account):
        # on 0 to 100: 100 and 75 now; 0 and 0 in the 40 days before; 50 earlier
        for days, rating in ((5, 5), (15, 4), (30, 1), (50, 1), (100, 3), (200, 3)):
            add(acme, account, models.Survey, kind="csat", score=rating, responded_at=ago(days))
        whole = (100 + 75 + 0 + 0) / 4 - 50
        assert both(acme, account, "satisfaction.change", 60) == (pytest.approx(whole), pytest.approx(87.5))
        set_window(acme, "satisfaction.change", 60)
        text = found(acme, account, "satisfaction.change")["text"]
        assert text == "Satisfaction up 88 points on the 40 days before"

    def test_tickets_against_the_usual_of_a_shorter_time(self, acme, account):
        for days in (5, 20, 40, 60, 70, 150, *(200,) * 9):
            add(acme, account, models.Ticket, opened_at=ago(days))
        # 2 now; before: 13 in 170 days of records, 3 in 60
        assert both(acme, account, "satisfaction.ticket_spike", 90) == (
            pytest.approx(3 / (13 * 30 / 170 + 1)), pytest.approx(3 / (3 * 30 / 60 + 1)),
        )  # fmt: skip

    def test_silence_on_nps_counts_no_longer_than_its_window(self, acme, account):
        add(acme, account, models.Survey, kind="nps", score=9, responded_at=ago(200))
        assert both(acme, account, "satisfaction.nps_silence", 120) == (200, 120)


class TestBusiness:
    def test_late_payments(self, acme, account):
        for due, paid in ((40, 39), (50, 30), (200, 180), (300, 280)):
            add(
                acme, account, models.Invoice, issued_at=ago(due + 30), due_at=ago(due), paid_at=ago(paid),
                amount=Decimal(10), currency="USD",
            )  # fmt: skip
        assert both(acme, account, "business.late_payments", 100) == (0.75, 0.5)

    def test_prices_and_seats_against_terms_that_lie_less_far_back(self, acme, account):
        for started, ended, arr, seats in ((700, 335, "8000", 80), (335, 120, "10000", 100)):
            subscribe(
                acme, account, product="P", arr=arr, seats=seats, started_at=ago(started),
                renewal=DAY - timedelta(days=ended),
            )  # fmt: skip
        subscribe(
            acme, account, product="P", arr="15000", seats=120, started_at=ago(120), renewal=date(2027, 1, 1)
        )
        # a seat costs 125 now; 100 in both terms before: price alike, seats not
        assert both(acme, account, "business.seats_change", 200) == (0.5, pytest.approx(0.2))
        assert both(acme, account, "business.price_change", 200) == (0.25, 0.25)

    def test_the_two_comparisons_have_windows_of_their_own(self, acme, account):
        for started, ended, arr in ((700, 335, "5000"), (335, 120, "10000")):
            subscribe(
                acme, account, product="P", arr=arr, seats=100, started_at=ago(started),
                renewal=DAY - timedelta(days=ended),
            )  # fmt: skip
        subscribe(
            acme, account, product="P", arr="15000", seats=100, started_at=ago(120), renewal=date(2027, 1, 1)
        )
        assert both(acme, account, "business.price_change", 200) == (2.0, 0.5)


class TestStakeholders:
    @pytest.fixture
    def people(self, acme, account):
        subscribe(acme, account, seats=25)
        champion = contact(acme, account, "champion", seniority="individual", department="IT")
        chief = contact(acme, account, seniority="c_level", department="Finance")
        for days, who, kind in (
            (10, champion, "meeting"),
            (50, chief, "qbr"),
            (80, chief, "meeting"),
            (250, chief, "qbr"),
        ):
            add(
                acme, account, models.Activity, kind=kind, occurred_at=ago(days),
                contact_external_ids=[who.external_id],
            )  # fmt: skip
        return champion, chief

    def test_who_is_in_touch(self, acme, account, people):
        names = ("active_contacts", "single_threaded", "multi_threading", "department_spread")
        found_of = all_of(acme, account, 30, *(f"stakeholders.{each}" for each in names))
        assert found_of == [(2, 1), (0, 1), (1.0, 0.5), (2.0, 1.0)]
        set_window(acme, "stakeholders.active_contacts", 30)
        assert found(acme, account, "stakeholders.active_contacts")["text"] == "1 contact in touch in 30 days"

    def test_strength_of_the_champion(self, acme, account, people):
        # a third of all contact gives 40 of 60, and an individual 12 of 40; alone in 30 days: 60
        assert both(acme, account, "stakeholders.champion_strength", 30) == (pytest.approx(52), 72)

    def test_chiefs_at_reviews(self, acme, account, people):
        assert both(acme, account, "stakeholders.executive_depth", 100) == (2, 1)
        set_window(acme, "stakeholders.executive_depth", 100)
        text = found(acme, account, "stakeholders.executive_depth")["text"]
        assert text == "Chiefs took part in reviews 1 time in 100 days"

    def test_sponsors_out_of_touch(self, acme, account, people):
        assert both(acme, account, "stakeholders.sponsor_contact_days", 30) == (50, 30)
        assert both(acme, account, "stakeholders.sponsor_contact_days", 700)[1] == 50

    def test_how_long_a_champions_leaving_counts(self, acme, account, people):
        contact(acme, account, "champion", departed_at=ago(100))
        assert both(acme, account, "stakeholders.champion_vulnerability", 60) == (40, 0)


class TestOutcomes:
    def goal(self, world, account, *, due, achieved=None, **values):
        add(
            world, account, models.Objective, name="Goal", declared_at=ago(500), due_at=ago(due),
            achieved_at=None if achieved is None else ago(achieved), **values,
        )  # fmt: skip

    def test_objectives(self, acme, account):
        self.goal(acme, account, due=20, expected_value=100)
        self.goal(acme, account, due=30, achieved=30, expected_value=300, value_realized=150)
        self.goal(acme, account, due=200, expected_value=600)
        self.goal(acme, account, due=200, achieved=210, expected_value=200, value_realized=200)
        self.goal(acme, account, due=201)
        names = ("objectives_overdue", "objectives_reached", "value_realised")
        found_of = all_of(acme, account, 60, *(f"outcomes.{each}" for each in names))
        assert found_of == [(0.6, 0.5), (0.4, 0.5), (350 / 1200, 150 / 400)]

    def test_progress_by_usage(self, acme, account):
        add(
            acme, account, models.Objective, name="Goal", declared_at=ago(60), usage_metric="logins", baseline=10,
            target=30,
        )  # fmt: skip
        add_usage(acme, account, first=30, last=11, logins=15)
        add_usage(acme, account, first=10, last=1, logins=24)
        assert both(acme, account, "outcomes.objective_progress", 10) == (0.4, 0.7)

    def test_milestones(self, acme, account):
        for due, completed, stage in (
            (20, None, "onboarding"),
            (100, 110, "onboarding"),
            (200, None, "onboarding"),
        ):
            add(
                acme, account, models.Milestone, name="Step", stage=stage, due_at=ago(due),
                completed_at=None if completed is None else ago(completed),
            )  # fmt: skip
        names = ("milestones_late", "onboarding_in_time", "onboarding_stuck_days")
        found_of = all_of(acme, account, 150, *(f"outcomes.{each}" for each in names))
        assert found_of == [(2 / 3, 0.5), (1 / 3, 0.5), (200, 20)]

    def test_first_value_is_asked_of_young_customers(self, acme):
        young = acme.add_account("Young", customer_since=DAY - timedelta(days=400))
        add(acme, young, models.Milestone, name="Step", stage="adoption", completed_at=ago(350))
        assert both(acme, young, "outcomes.time_to_first_value", 450) == (None, 50)


class TestPanels:
    """What an account's page shows beside an indicator goes by the same windows."""

    def test_usage(self, acme, account):
        for first, last, n in ((90, 46, 900), (45, 16, 200), (15, 1, 150)):
            add_usage(acme, account, first=first, last=last, core_events=n)
        use(acme, account, "Reports", range(16, 20))
        use(acme, account, "Boards", range(1, 40))
        rich(acme, "Another")
        set_window(acme, "usage.trend_30d", 45)
        set_window(acme, "usage.features_abandoned", 45)
        score(acme)
        with acme.here():
            shown = usage_context(acme.tenant, acme.people["csm"], account, "core_events")
        series = shown["series"]
        assert ((series.of.now, series.now.value), (series.of.before, series.before.value)) == (
            (15, 150),
            (30, 200),
        )
        assert series.change == pytest.approx(-25)
        given_up = {each.name: (each.now, each.before, each.is_given_up) for each in shown["features"]}
        assert given_up == {"Reports": (0, 4, True), "Boards": (15, 24, False)}

    def test_value_realised(self, acme, account, client):
        goals = TestOutcomes()
        goals.goal(acme, account, due=30, achieved=30, expected_value=300, value_realized=150)
        goals.goal(acme, account, due=200, expected_value=600)
        rich(acme, "Another")
        set_window(acme, "outcomes.value_realised", 60)
        set_window(acme, "outcomes.objective_progress", 10)
        score(acme)
        client.force_login(acme.csm.user)
        page = client.get(reverse("accounts:panel", args=[acme.tenant.slug, account.pk, "value"])).text
        assert "50% of the expected value, of 1 objective reached or due in 60 days" in page
        assert "is the mean of the last 10 days" in page
