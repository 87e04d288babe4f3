"""The later indicators of usage against figures worked out by hand."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import models
from scoring import queries
from tests.scoring.evidence import DAY, add_usage, rich, score
from tests.scoring.finding import found, missing, value

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account()


def use(world, account, feature, days, count=3, product="P"):
    """One row of use by feature on each of these days before DAY."""
    with world.here():
        with connection.cursor() as cursor:
            for month in {(DAY - timedelta(days=each)).replace(day=1) for each in days}:
                cursor.execute("SELECT ensure_partition('accounts_usage_detail', %s)", [month])
        models.UsageDetail.objects.bulk_create(
            models.UsageDetail(
                tenant=world.tenant, account=account, day=DAY - timedelta(days=each), contact_external_id="who",
                product=product, feature=feature, count=count, source="test", recorded_at=timezone.now(),
            )
            for each in days
        )  # fmt: skip


def test_usage_against_its_own_best_month(acme, account):
    add_usage(acme, account, first=180, last=151, core_events=100)
    add_usage(acme, account, first=150, last=121, core_events=250)
    add_usage(acme, account, first=120, last=113, core_events=9000)  # 8 days make no month
    assert missing(acme, account, "usage.level_of_best") == "late"
    add_usage(acme, account, first=30, last=21, core_events=50)
    add_usage(acme, account, first=20, last=1, core_events=200)
    add_usage(acme, account, first=0, last=-3, core_events=9000)
    assert value(acme, account, "usage.level_of_best") == 0.6  # (10 x 50 + 20 x 200) / 30 = 150 of 250


def test_usage_against_its_best_needs_two_other_months(acme, account):
    add_usage(acme, account, first=60, last=1, active_users=10)
    assert missing(acme, account, "usage.level_of_best") == "not_yet"
    add_usage(acme, account, first=70, last=61, active_users=20)
    assert value(acme, account, "usage.level_of_best") == 0.5


def test_volatility_of_weekly_means(acme, account):
    for week in range(6):
        level = 100 if week % 2 else 300
        add_usage(acme, account, first=week * 7 + 7, last=week * 7 + 4, core_events=level)  # 4 days a week
    add_usage(acme, account, first=45, last=43, core_events=9000)  # 3 days are too few
    assert value(acme, account, "usage.volatility") == 0.5  # 100, 300, 100 …: mean 200, deviation 100
    assert found(acme, account, "usage.volatility")["text"] == "Weekly usage varies by 50%"


def test_volatility_needs_six_weeks(acme, account):
    add_usage(acme, account, first=35, last=1, core_events=10)
    assert missing(acme, account, "usage.volatility") == "not_yet"


def test_errors_in_core_events(acme, account):
    add_usage(acme, account, first=1, last=1)  # the feed is alive
    add_usage(acme, account, first=30, last=25, core_events=400, errors=6)
    add_usage(acme, account, first=24, last=20, core_events=9000)  # errors are not known there
    assert missing(acme, account, "usage.error_rate") == "not_yet"
    add_usage(acme, account, first=19, last=16, core_events=400, errors=16)
    add_usage(acme, account, first=0, last=0, core_events=1, errors=900)
    assert value(acme, account, "usage.error_rate") == 0.025  # (36 + 64) / 4,000
    assert found(acme, account, "usage.error_rate")["text"] == "2.5 errors in 100 core events"


def test_login_frequency(acme, account):
    add_usage(acme, account, first=1, last=1)  # the feed is alive
    add_usage(acme, account, first=30, last=24, active_users=20, logins=50)
    add_usage(acme, account, first=23, last=20, active_users=500)  # logins are not known there
    add_usage(acme, account, first=40, last=31, active_users=1, logins=90)
    assert value(acme, account, "usage.login_frequency") == 2.5


@pytest.mark.parametrize(
    ("key", "metric"), [("usage.api_trend", "api_calls"), ("usage.data_trend", "data_gb")]
)
def test_trends_of_interfaces_and_data(acme, account, key, metric):
    add_usage(acme, account, first=1, last=1)  # the feed is alive
    add_usage(acme, account, first=90, last=31, **{metric: 40})
    add_usage(acme, account, first=30, last=22, **{metric: 10})
    assert missing(acme, account, key) == "not_yet"  # 9 days of 10
    add_usage(acme, account, first=21, last=21, **{metric: 10})
    assert value(acme, account, key) == -0.75
    assert "down 75%" in found(acme, account, key)["text"]


def test_features_given_up_by_name(acme, account):
    use(acme, account, "Reports", range(40, 56))  # 16 days before
    use(acme, account, "Reports", [3, 3 + 7])  # twice since: an eighth, a quarter of the pace
    use(acme, account, "Exports", range(31, 39))  # 8 days before, none since
    use(acme, account, "Search", range(31, 39))
    use(acme, account, "Search", [5, 6])  # half of the pace
    use(acme, account, "Budgets", range(31, 38))  # 7 days are no habit
    use(acme, account, "Exports", range(91, 99))  # too long ago to matter
    use(acme, account, "Exports", [0, -1])  # the day itself and later
    use(acme, account, "Exports", [9], count=0)  # no use at all
    assert value(acme, account, "usage.features_abandoned") == 2
    line = found(acme, account, "usage.features_abandoned")
    assert line["text"] == "Hardly uses Reports and Exports any more"
    assert line["latest"] == "2026-09-28"


def test_features_given_up_need_detail_of_both_periods(acme, account):
    other = acme.add_account("Other")
    use(acme, account, "Reports", range(31, 60))
    use(acme, other, "Reports", range(1, 60))
    assert (
        missing(acme, account, "usage.features_abandoned") == "not_yet"
    )  # the detail stopped, or everything did
    assert value(acme, other, "usage.features_abandoned") == 0
    assert missing(acme, acme.add_account("Third"), "usage.features_abandoned") == "not_tracked"


def test_a_snapshot_keeps_the_names(acme):
    account = rich(acme)
    use(acme, account, "Reports", range(31, 60))
    use(acme, account, "Search", range(1, 60))
    score(acme)
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
    text = {each["key"]: each["text"] for each in snapshot.indicators}
    assert text["usage.features_abandoned"] == "Hardly uses Reports any more"
    (reason,) = [each for each in snapshot.reasons if each["key"] == "usage.features_abandoned"]
    assert reason["text"] == "Hardly uses Reports any more"
