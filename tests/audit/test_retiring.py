"""Months of events that are let go: the chain still holds, and nothing can go that was not accounted for."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from audit import retiring, sealing, verification
from audit.models import RetiredEvents
from config import retention
from tenants.access import SYSTEM
from tenants.scoping import tenant_transaction
from tests.audit.real import committed_world, wait_until_settled

KEEP = 24


def months_ago(number):
    today = timezone.now().date()
    index = today.year * 12 + today.month - 1 - number
    return date(index // 12, index % 12 + 1, 1)


OLD, NEXT = months_ago(30), months_ago(29)


@pytest.fixture
def worker(committed_db, test_server, django_db_blocker):
    """The worker role, which alone may let go; real commits."""
    params = test_server.params("worker")
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(USER=params["user"], PASSWORD=params["password"])
        yield
        connection.close()
        connection.settings_dict.update(before)


@pytest.fixture
def world(worker, settings, tmp_path):
    """Events of two old months and of now; the first seal ends inside the second month, so one seal holds both."""
    settings.HOLDFAST_VAR = tmp_path
    settings.KEEP_AUDIT_MONTHS = KEEP
    world = committed_world("acme")
    with tenant_transaction(world.tenant.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ensure_partition('audit_event', %s), ensure_partition('audit_event', %s)", [OLD, NEXT]
        )
    seal_all(world)
    say_at(world, OLD, 3)
    seal_all(world)
    say_at(world, OLD, 2)
    say_at(world, NEXT, 2)
    seal_all(world)
    say_at(world, NEXT, 1)
    seal_all(world)
    return world


def say_at(world, month, count):
    at = datetime(month.year, month.month, 9, tzinfo=UTC)
    with tenant_transaction(world.tenant.pk), connection.cursor() as cursor:
        for number in range(count):
            cursor.execute(
                "INSERT INTO audit_event (tenant_id, at, verb, actor_kind, actor_id, actor_label, diff) VALUES "
                "(%s, %s, 'tests.said', 'system', 'system', 'Holdfast', '{}') RETURNING epoch, xid, id",
                [world.tenant.pk, at + timedelta(minutes=number)],
            )
            key = cursor.fetchone()
    wait_until_settled(world, key)


def seal_all(world):
    sealing.run(world.tenant, lambda *_: None)


def verified(world):
    return verification.verify(world.tenant, by=SYSTEM)


def events_of(world, month):
    with tenant_transaction(world.tenant.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_event WHERE tenant_id = %s AND at >= %s AND at < %s",
            [world.tenant.pk, *retiring._bounds(month)],
        )
        return cursor.fetchone()[0]


def drop(month):
    with connection.cursor() as cursor:
        cursor.execute("SELECT drop_partition('audit_event', %s)", [month])
        return cursor.fetchone()[0]


def test_an_old_month_goes_and_the_chain_still_holds(world):
    assert retiring.due_months("audit_event", keep=KEEP)[:2] == [OLD, NEXT]
    before = verified(world)
    assert before.ok
    retiring.run(world.tenant, lambda *_: None)
    assert verified(world).ok, "accounted for, and still there"
    retention.drop_old_months()
    assert (events_of(world, OLD), events_of(world, NEXT)) == (0, 3)
    after = verified(world)
    assert after.ok, [str(fault) for fault in after.faults]
    assert after.seals >= before.seals
    retention.drop_old_months()
    assert events_of(world, NEXT) == 0
    assert verified(world).ok
    assert retiring.due_months("audit_event", keep=KEEP) == []
    with tenant_transaction(world.tenant.pk), connection.cursor() as cursor:
        cursor.execute("SELECT object_id, (diff->'after'->>'events')::int FROM audit_event WHERE verb = %s "
                       "ORDER BY object_id", [retiring.VERB])  # fmt: skip
        assert cursor.fetchall() == [(f"{OLD:%Y-%m}", 5), (f"{NEXT:%Y-%m}", 3)]


def test_the_job_may_be_killed_and_run_again(world):
    """Between any two of its transactions: lines are written once, the event once."""
    with tenant_transaction(world.tenant.pk):
        retiring._account(world.tenant, OLD, after=0, upto=2)
    for _ in range(2):
        retiring.run(world.tenant, lambda *_: None)
    with tenant_transaction(world.tenant.pk):
        lines = RetiredEvents.objects.for_tenant(world.tenant)
        assert sum(line.events for line in lines.filter(month=OLD)) == 5
        assert any(line.leaves for line in lines), (
            "a seal with events of two months was the point of this test"
        )
    retention.drop_old_months()
    assert verified(world).ok


def test_a_month_stays_until_every_tenant_has_accounted_for_it(world):
    other = committed_world("globex")
    say_at(other, OLD, 1)
    seal_all(other)
    retiring.run(world.tenant, lambda *_: None)
    with pytest.raises(DatabaseError, match="holds 1 events and has accounted for 0"):
        drop(OLD)
    retention.drop_old_months()
    assert events_of(world, OLD) == 5
    retiring.run(other.tenant, lambda *_: None)
    retention.drop_old_months()
    assert events_of(world, OLD) == 0
    assert verified(world).ok
    assert verified(other).ok


def test_unsealed_events_keep_their_month(world):
    say_at(world, OLD, 1)
    assert retiring.run(world.tenant, lambda *_: None) == {"months": 0}
    seal_all(world)
    assert retiring.run(world.tenant, lambda *_: None) == {"months": 2}


def test_a_table_that_was_dropped_by_hand_shows(world, test_server, committed_db):
    with superuser(test_server, committed_db) as admin:
        admin.execute(f"DROP TABLE audit_event_{OLD:%Y%m}")
    assert not verified(world).ok


def test_an_account_that_was_written_by_hand_shows(world, test_server, committed_db):
    """Lines without the event that vouches for them, or changed after it."""
    retiring.run(world.tenant, lambda *_: None)
    retention.drop_old_months()
    assert verified(world).ok
    with superuser(test_server, committed_db) as admin:
        admin.execute("UPDATE audit_retiredevents SET events = events + 1 WHERE seq = 2")
    report = verified(world)
    assert "vouches for" in str(report.faults[0])


def superuser(server, database):
    return psycopg.connect(**{**server.params("postgres"), "dbname": database}, autocommit=True)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (f"SELECT drop_partition('audit_event', '{months_ago(3)}')", "too young"),
        (f"SELECT drop_partition('audit_event', '{months_ago(12)}')", "too young"),
        (f"SELECT drop_partition('accounts_account', '{OLD}')", "not partitioned"),
        (f"DROP TABLE audit_event_{OLD:%Y%m}", "must be owner"),
        (f"ALTER TABLE audit_event DETACH PARTITION audit_event_{OLD:%Y%m}", "must be owner"),
        ("SELECT forget_attempts(now() - interval '89 days', 10)", "90 days"),
    ],
)
def test_even_the_worker_cannot_drop_more(world, statement, says):
    with pytest.raises(DatabaseError, match=says), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT drop_partition('audit_event', '{OLD}')",
        "SELECT forget_attempts(now() - interval '2 years', 10)",
        "INSERT INTO audit_retiredevents (tenant_id, seq, month, events, leaves, retired_at) "
        "VALUES (1, 1, '2020-01-01', 1, '[]', now())",
    ],
)
def test_the_web_servers_role_cannot_drop_at_all(acme, statement):
    with acme.here(), pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_event_without_a_months_table_is_kept_and_can_be_seen(world):
    """The default partition: sealed and verified like the others; /metrics shows its size."""
    say_at(world, date(2099, 5, 1), 1)
    seal_all(world)
    assert verified(world).ok
    from config import gauges

    assert gauges._store()["holdfast_audit_default_partition_bytes"][0][1] > 0


def test_other_tables_need_no_account(world, settings):
    settings.KEEP_AUDIT_MONTHS, settings.KEEP_USAGE_MONTHS = 0, KEEP
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('accounts_usage_day', %s)", [OLD])
        cursor.execute("SELECT ensure_partition('accounts_usage_day', %s)", [months_ago(5)])
    retention.drop_old_months()
    left = retiring.months_of("accounts_usage_day")
    assert OLD not in left
    assert months_ago(5) in left
    assert events_of(world, OLD) == 5
