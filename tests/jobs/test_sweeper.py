"""The sweeper with real commits and the worker's role: bells, schedules, canary, and one tenant's trouble."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from jobs import heartbeat, registry, services
from jobs.canary import canary_age
from jobs.lease import SWEEPER_CLASS
from jobs.models import Job, ScheduleTick
from jobs.registry import Schedule
from jobs.sweeper import BELLS_AT_MOST, Sweeper
from tests.conftest import _superuser
from tests.jobs.process import first_to_end
from tests.jobs.real import ROOT, as_role, committed_world, here


@pytest.fixture
def acme(committed_db):
    return committed_world("acme")


@pytest.fixture
def clock():
    """A clock that the test moves."""

    class Clock:
        now = timezone.now().replace(minute=2, second=0, microsecond=0) + timedelta(hours=1)

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def only(monkeypatch):
    """`only(Schedule(…), …)`: nothing else is scheduled in this test."""
    monkeypatch.setattr("jobs.sweeper.schedules", known := {})
    monkeypatch.setattr("jobs.sweeper.chores", {})

    def schedule(*schedules):
        known.clear()
        known.update({each.name: each for each in schedules})

    schedule()
    return schedule


def sweep(clock, sweeper=None):
    with as_role("worker"):
        (sweeper or Sweeper(clock=clock)).sweep()


def bells():
    """Job ids in django-q's queue."""
    return sorted(
        row.task["args"][0] for row in OrmQ.objects.all() if row.task["func"] == "jobs.tasks.run_job"
    )


def jobs_of(world):
    with here(world):
        return list(Job.objects.order_by("pk"))


def ask(world, **options):
    with here(world):
        return services.enqueue(world.tenant, kind="jobs.tidy", **options)


def test_a_lost_bell_is_rung_again_after_half_a_minute(acme, only, clock):
    clock.now = timezone.now()
    job = ask(acme)
    assert bells() == [job.pk]
    OrmQ.objects.all().delete()
    sweep(clock)
    assert bells() == [], "rung just now: it may be on its way"
    clock.now += timedelta(seconds=31)
    sweep(clock)
    assert bells() == [job.pk]
    sweep(clock)
    assert bells() == [job.pk], "once"


def test_a_job_that_waits_for_its_time_is_rung_when_it_comes(acme, only, clock):
    job = ask(acme, not_before=clock.now + timedelta(minutes=5))
    sweep(clock)
    assert bells() == []
    clock.now += timedelta(minutes=5)
    sweep(clock)
    assert bells() == [job.pk]


def test_a_long_waiting_line_is_not_rung_over_and_over(acme, only, clock, monkeypatch):
    monkeypatch.setattr("jobs.sweeper.BELLS_AT_MOST", 3)
    assert BELLS_AT_MOST >= 100
    for _ in range(5):
        ask(acme)
    OrmQ.objects.all().delete()
    for _ in range(4):
        clock.now += timedelta(minutes=1)
        sweep(clock)
    assert len(bells()) == 3


def test_a_slot_is_fired_once_by_whomever(acme, only, clock):
    only(Schedule("test.often", "jobs.tidy", every=timedelta(minutes=10)))
    same = Sweeper(clock=clock)
    for _ in range(3):
        sweep(clock, same)
        sweep(clock)  # another process, which remembers nothing
    assert len(jobs_of(acme)) == 1
    clock.now += timedelta(minutes=10)
    finish_all(acme)
    sweep(clock, same)
    assert len(jobs_of(acme)) == 2
    clock.now -= timedelta(minutes=10)  # somebody sets the clock back
    finish_all(acme)
    sweep(clock, same)
    sweep(clock)
    assert len(jobs_of(acme)) == 2


def finish_all(world):
    with here(world):
        Job.objects.filter(state="queued").update(state="done", finished_at=timezone.now())


def test_after_a_long_pause_one_run_catches_up(acme, only, clock):
    only(
        Schedule("test.often", "jobs.tidy", every=timedelta(minutes=10)),
        Schedule("test.daily", "jobs.tidy", at_hour=clock.now.hour),
    )
    sweep(clock)
    finish_all(acme)
    clock.now += timedelta(days=3, minutes=65)
    sweep(clock)
    sweep(clock)
    with here(acme):
        ticks = list(ScheduleTick.objects.order_by("name", "slot").values_list("name", flat=True))
    assert ticks == ["test.daily"] * 2 + ["test.often"] * 2
    assert len(jobs_of(acme)) == 4


def test_a_slow_job_is_not_overtaken_by_its_next_slot(acme, only, clock):
    only(Schedule("test.often", "jobs.tidy", every=timedelta(minutes=10)))
    sweep(clock)
    clock.now += timedelta(minutes=10)
    sweep(clock)
    assert len(jobs_of(acme)) == 1


def test_a_schedule_with_a_question_waits_for_yes(acme, only, clock):
    answers = {"yes": False}
    only(Schedule("test.if", "jobs.tidy", every=timedelta(minutes=10), when=lambda tenant: answers["yes"]))
    sweep(clock)
    assert jobs_of(acme) == []
    answers["yes"] = True
    clock.now += timedelta(minutes=3)  # still the same slot
    sweep(clock)
    assert len(jobs_of(acme)) == 1


def test_a_new_tenant_does_not_catch_up_on_slots_before_its_time(acme, only, clock):
    clock.now = timezone.now()
    only(Schedule("test.daily", "jobs.tidy", at_hour=(clock.now.hour - 1) % 24))
    sweep(clock)
    assert jobs_of(acme) == []
    clock.now += timedelta(days=1)
    sweep(clock)
    assert len(jobs_of(acme)) == 1


def test_one_tenants_failure_never_stops_the_sweep(acme, only, clock, caplog):
    globex = committed_world("globex")

    def ask_first(tenant):
        if tenant.slug == "acme":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return True

    only(
        Schedule("test.broken", "jobs.tidy", every=timedelta(minutes=10), when=ask_first),
        Schedule("test.unknown", "nobody.registered.this", every=timedelta(minutes=10)),
        Schedule("test.fine", "jobs.tidy", every=timedelta(minutes=10)),
    )
    sweeper = Sweeper(clock=clock)
    sweep(clock, sweeper)
    sweep(clock, sweeper)
    assert [job.dedupe_key for job in jobs_of(acme)] == ["schedule:test.fine"]
    assert [job.dedupe_key for job in jobs_of(globex)] == ["schedule:test.broken", "schedule:test.fine"]
    said = [record for record in caplog.records if "test.broken of acme" in record.getMessage()]
    assert len(said) == 1, "the log says it once, not every two seconds"


def test_the_canary_is_asked_each_minute_and_answers(acme, only, clock):
    sweeper = Sweeper(clock=clock)
    assert canary_age() is None
    for _ in range(4):
        sweep(clock, sweeper)
        clock.now += timedelta(seconds=30)
    asked = [row.task["func"] for row in OrmQ.objects.all()]
    assert asked == ["jobs.tasks.canary"] * 2
    heartbeat.beat()
    assert 0 <= canary_age() < 30


def test_old_jobs_and_ticks_are_forgotten_but_the_newest_tick_stays(acme):
    now = timezone.now()
    with here(acme):
        for days in (1, 20, 100):
            for state in ("done", "dead"):
                ended = {"finished_at": now - timedelta(days=days), "state": state}
                Job.objects.create(tenant=acme.tenant, kind="jobs.tidy", **ended)
            ScheduleTick.objects.create(tenant=acme.tenant, name="often", slot=now - timedelta(days=days))
        ScheduleTick.objects.create(tenant=acme.tenant, name="rare", slot=now - timedelta(days=200))
        kept = {"finished": timedelta(days=14), "failed": timedelta(days=90)}
        assert services.forget_old(acme.tenant, now=now, **kept) == {"jobs": 3, "ticks": 2}
        left = list(Job.objects.order_by("pk").values_list("state", flat=True))
        assert left == ["done", "dead", "dead"]
        assert sorted(ScheduleTick.objects.values_list("name", flat=True)) == ["often", "rare"]


@pytest.mark.processes
def test_the_command_leads_alone_outlives_its_session_and_stops_when_told(acme, committed_db, test_server):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HOLDFAST_DB_NAME": committed_db,
    }
    environment.pop("HOLDFAST_DB_ROLE")
    command = [sys.executable, str(ROOT / "manage.py"), "sweeper"]
    sweeper = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: OrmQ.objects.exists(), sweeper)
        once = subprocess.run(
            [*command, "--once"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert (once.returncode, once.stdout) == (0, "")
        assert "Another sweeper is at work" in once.stderr
        (leader,) = leaders(test_server)
        with _superuser(test_server, committed_db) as session:
            session.execute("SELECT pg_terminate_backend(%s)", [leader])
        wait_until(lambda: leaders(test_server) not in ([], [leader]), sweeper)
        sweeper.send_signal(signal.SIGTERM)
        assert first_to_end([sweeper]).returncode == 0
    finally:
        sweeper.kill()
        sweeper.wait()


def leaders(server):
    """Sessions of this test's database that hold the sweeper's lead."""
    with _superuser(server, connection.settings_dict["NAME"]) as session:
        held = session.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [SWEEPER_CLASS],
        )
        return [pid for (pid,) in held]


def wait_until(ready, process):
    import time

    deadline = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def test_chores_run_at_the_start_and_then_at_their_interval(committed_db, only, clock, monkeypatch):
    ran = []
    chore = registry.Chore("test.chore", timedelta(hours=1), lambda: ran.append(clock.now))
    monkeypatch.setattr("jobs.sweeper.chores", {"test.chore": chore})
    sweeper = Sweeper(clock=clock)
    for _ in range(5):
        sweep(clock, sweeper)
        clock.now += timedelta(minutes=20)
    assert len(ran) == 2
