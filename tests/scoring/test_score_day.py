"""One day's run: snapshots, the projection, events, and that nothing is written twice."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, Activity, Contact, FxRate, Outcome
from audit.models import AuditEvent
from scoring import queries
from scoring.exceptions import NothingToScore
from scoring.models import AccountHealth, HealthSnapshot, ScoreRun
from tests.scoring.evidence import DAY, add, ago, rich, score, subscribe

pytestmark = pytest.mark.django_db


def standing(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def events(world, verb="scoring.health_changed"):
    with world.here():
        return list(AuditEvent.objects.filter(tenant=world.tenant, verb=verb).order_by("id"))


def test_a_run_writes_a_snapshot_and_the_projection(acme):
    account = rich(acme)
    run = score(acme)
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
        assert queries.latest_as_of(acme.tenant) == DAY
    now = standing(acme, account)
    assert snapshot.health == now.health > 0
    assert snapshot.band == now.band in {"watch", "healthy"}
    assert (snapshot.run_id, now.run_id, run.accounts) == (run.pk, run.pk, 1)
    assert snapshot.policy_version == "all v1"
    assert (now.arr, now.currency, now.renewal_date) == (Decimal("12000"), "USD", date(2027, 3, 1))
    assert now.priority == pytest.approx(float(12000 * (100 - now.health) / 100))


def test_points_add_up_to_health_and_lost_points_to_the_rest(acme):
    account = rich(acme)
    score(acme)
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
    hundredths = [round(each["points"] * 100) for each in snapshot.indicators]
    lost = [round(each.get("lost", 0) * 100) for each in snapshot.indicators]
    assert sum(hundredths) == snapshot.health * 100
    assert sum(lost) == (100 - snapshot.health) * 100
    assert sum(round(each["points"] * 100) for each in snapshot.dimensions.values()) == snapshot.health * 100


def test_reasons_are_what_is_worse_than_usual_and_costs_most(acme):
    account = rich(acme)
    add(acme, account, Contact, role="champion", departed_at=ago(3))
    add(acme, account, Activity, kind="email", direction="outbound", occurred_at=ago(1))
    score(acme)
    snapshot = snapshot_of(acme, account)
    by_key = {each["key"]: each for each in snapshot.indicators}
    lost = [reason["points_lost"] for reason in snapshot.reasons]
    assert lost == sorted(lost, reverse=True)
    assert 0 < len(lost) <= 5
    for reason in snapshot.reasons:
        assert by_key[reason["key"]]["score"] < 65
        assert reason["points_lost"] == by_key[reason["key"]]["lost"] >= 1
        assert (reason["text"], reason["day"]) == (
            by_key[reason["key"]]["text"],
            by_key[reason["key"]]["latest"],
        )
    assert "usage.trend_30d" not in {reason["key"] for reason in snapshot.reasons}  # steady use scores 65


def test_an_account_without_evidence_is_unknown_and_sorts_last(acme):
    account = acme.add_account()
    score(acme)
    now = standing(acme, account)
    assert (now.health, now.band, now.priority, now.arr) == (None, "unknown", -1, None)
    assert {each["missing"] for each in snapshot_of(acme, account).indicators} == {"not_tracked"}


def snapshot_of(world, account, day=DAY):
    with world.here():
        return queries.snapshot(world.tenant, account_id=account.pk, as_of=day)


def test_the_same_figures_again_add_a_run_and_no_snapshot(acme):
    rich(acme)
    first, again = score(acme), score(acme)
    assert (first.is_unchanged, again.is_unchanged) == (False, True)
    assert first.fingerprint == again.fingerprint
    with acme.here():
        assert HealthSnapshot.objects.filter(tenant=acme.tenant).count() == 1
        assert len(queries.effective_runs(acme.tenant)) == 1
        assert AccountHealth.objects.for_tenant(acme.tenant).get().run_id == first.pk


def test_new_facts_about_the_same_day_add_a_snapshot_beside_the_old_one(acme):
    account = rich(acme)
    score(acme)
    subscribe(acme, account, arr="500")
    again = score(acme)
    with acme.here():
        assert HealthSnapshot.objects.filter(tenant=acme.tenant, account_id=account.pk).count() == 2
    assert snapshot_of(acme, account).run_id == again.pk
    assert standing(acme, account).arr == 12500


def test_snapshots_cannot_be_rewritten(acme):
    rich(acme)
    score(acme)
    for statement in (
        "UPDATE scoring_health_snapshot SET band = 'healthy'",
        "DELETE FROM scoring_health_snapshot",
    ):
        with acme.here(), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_past_day_adds_a_snapshot_and_leaves_the_projection_alone(acme):
    account = rich(acme)
    newest = score(acme)
    before = len(events(acme))
    score(acme, DAY - timedelta(days=30))
    assert snapshot_of(acme, account, DAY - timedelta(days=30)) is not None
    assert standing(acme, account).run_id == newest.pk
    assert len(events(acme)) == before


def test_delta_and_spark_come_from_earlier_days(acme):
    account = rich(acme)
    for weeks in (5, 2, 1, 0):
        score(acme, DAY - timedelta(weeks=weeks))
    now = standing(acme, account)
    points = {weeks: snapshot_of(acme, account, DAY - timedelta(weeks=weeks)).health for weeks in (5, 2, 1)}
    spark = [points[5], None, None, points[2], points[1], now.health]
    assert now.spark == [None if point is None else float(point) for point in spark]
    assert points[5] is not None
    assert now.delta_30 == now.health - points[5]


def test_a_delta_needs_a_snapshot_near_thirty_days_before(acme):
    account = rich(acme)
    score(acme, DAY - timedelta(days=20))
    score(acme, DAY - timedelta(days=50))
    score(acme)
    assert standing(acme, account).delta_30 is None


def test_the_first_scoring_tells_of_every_account(acme):
    rich(acme)
    acme.add_account("Nothing known")
    score(acme)
    told = events(acme)
    assert len(told) == 2
    assert {event.diff["before"] for event in told} == {None}
    assert {event.diff["after"]["band"] for event in told} >= {"unknown"}
    assert all(event.object_type == "accounts.account" and event.account_id for event in told)


def test_later_only_what_moved_is_told(acme):
    quiet, moved = rich(acme, "Quiet"), rich(acme, "Moved")
    score(acme)
    subscription = subscribe(acme, moved, arr="1", renewal=date(2026, 12, 1), cancelled_at=ago(0, -2))
    run = score(acme, DAY + timedelta(days=1))
    told = events(acme)[2:]
    assert [event.account_id for event in told] == [moved.pk]
    diff = told[0].diff
    assert subscription.cancelled_at is not None
    assert diff["before"].keys() == {"health", "band"}
    assert (diff["after"]["as_of"], diff["after"]["run_id"]) == ("2026-10-02", run.pk)
    assert "business.notice_given" in [each["key"] for each in diff["after"]["low"]]
    assert diff["after"]["low"] == sorted(diff["after"]["low"], key=lambda each: each["score"])
    assert quiet.pk != moved.pk


def test_an_account_that_left_leaves_the_projection_but_keeps_its_snapshots(acme):
    account = rich(acme)
    rich(acme, "Stays")
    score(acme)
    add(acme, account, Outcome, kind="churned", effective_at=ago(0, -1))
    score(acme, DAY + timedelta(days=1))
    assert standing(acme, account) is None
    assert snapshot_of(acme, account) is not None
    assert snapshot_of(acme, account, DAY + timedelta(days=1)) is None


def test_prospects_and_later_customers_are_not_scored(acme):
    acme.add_account("Prospect", customer_since=None)
    acme.add_account("Starts today", customer_since=DAY)
    with pytest.raises(NothingToScore):
        score(acme)
    acme.add_account("Started yesterday", customer_since=DAY - timedelta(days=1))
    assert score(acme).accounts == 1


def test_foreign_money_needs_a_rate_of_that_day(acme):
    account = rich(acme)
    with acme.here():
        Account.objects.for_tenant(acme.tenant).update(plan="")
    euro = rich(acme, "Euro")
    subscribe(acme, euro, arr="50000", currency="EUR")
    score(acme)
    assert (standing(acme, euro).currency, standing(acme, euro).arr_reporting) == ("EUR", None)
    assert standing(acme, euro).priority == -1
    with acme.here():
        for day, rate in ((date(2026, 1, 1), "1.1"), (date(2026, 9, 1), "1.2"), (date(2026, 12, 1), "9")):
            FxRate.objects.create(tenant=acme.tenant, currency="EUR", day=day, rate=Decimal(rate))
    score(acme)
    now = standing(acme, euro)
    assert now.arr_reporting == Decimal("50000") * Decimal("1.2") + 12000
    assert now.arr == 50000 + Decimal("10000")  # 12,000 USD at 1.2
    assert standing(acme, account).arr_reporting == 12000


def test_a_broken_off_run_is_never_read(acme):
    account = rich(acme)
    run = score(acme)
    with acme.here():
        ScoreRun.objects.for_tenant(acme.tenant).filter(pk=run.pk).update(fingerprint="")
        assert queries.latest_as_of(acme.tenant) is None
    assert snapshot_of(acme, account) is None
    assert not score(acme).is_unchanged


def test_scores_of_another_tenant_are_out_of_reach(acme, globex):
    rich(acme)
    score(acme)
    with globex.here():
        assert queries.latest_as_of(globex.tenant) is None
        assert AccountHealth.objects.for_tenant(globex.tenant).count() == 0
        assert HealthSnapshot.objects.count() == 0
