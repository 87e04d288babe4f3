"""Whose turn it is, doorbells that cannot be read, and the clock that a drill moves."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from config.env import BadSetting, seconds
from jobs import clock, doorbells, queries, services, tasks, turns
from jobs.models import Job
from tests.jobs.real import as_role, committed_world, here


def ask(world, count=1, **options):
    with here(world):
        return [services.enqueue(world.tenant, kind="jobs.tidy", **options).pk for _ in range(count)]


@pytest.fixture
def worlds(committed_db, monkeypatch):
    monkeypatch.setattr(turns, "_served", {})
    return committed_world("acme"), committed_world("globex")


def test_a_long_line_does_not_come_before_a_short_one(worlds):
    acme, globex = worlds
    long, short = ask(acme, 5), ask(globex, 2)
    with as_role("worker"):
        for _ in long + short:
            tasks.run_job(long[0])  # whichever bell it is
        done = list(Job.objects.across_tenants().order_by("finished_at").values_list("pk", flat=True))
    assert done == [long[0], short[0], long[1], short[1], *long[2:]]


def test_who_has_a_job_running_waits_for_who_has_none(worlds):
    acme, globex = worlds
    running, waiting = ask(acme, 2)
    (other,) = ask(globex)
    with here(acme):
        Job.objects.filter(pk=running).update(state="running", attempts=1)
    with as_role("worker"):
        assert list(turns.in_order()) == [other, waiting]


def test_what_is_not_due_has_no_turn_and_a_line_shows_its_first_few(worlds):
    acme, globex = worlds
    ask(globex, not_before=timezone.now() + timedelta(hours=1))
    line = ask(acme, queries.HEADS + 3)
    with as_role("worker"):
        assert list(turns.in_order()) == line[: queries.HEADS]


def test_an_unreadable_bell_is_taken_out_and_named_and_the_others_stay(worlds, caplog):
    ask(worlds[0])
    good = set(OrmQ.objects.values_list("pk", flat=True))
    bad = OrmQ.objects.create(key="holdfast", payload="nonsense", lock=timezone.now())
    with as_role("worker"):
        known = doorbells.set_aside_unreadable(set())
        assert known == good == set(OrmQ.objects.values_list("pk", flat=True))
        assert doorbells.set_aside_unreadable(known) == good
    assert [f"doorbell {bad.pk} could not be read" in each.getMessage() for each in caplog.records] == [True]


def test_the_clock_is_real_until_a_drills_file_says_otherwise(settings, tmp_path):
    settings.CLOCK_FILE = ""
    assert abs(clock.now() - timezone.now()) < timedelta(seconds=5)
    settings.CLOCK_FILE = str(tmp_path / "clock")
    assert abs(clock.now() - timezone.now()) < timedelta(seconds=5), "no file yet"
    (tmp_path / "clock").write_text("-7200\n")
    assert timedelta(minutes=-121) < clock.now() - timezone.now() < timedelta(minutes=-119)


@pytest.mark.parametrize("value", ["soon", "0", "1e9", "nan", "٥"])
def test_a_bad_interval_is_named(monkeypatch, value):
    monkeypatch.setenv("HOLDFAST_SWEEP_EVERY", value)
    with pytest.raises(BadSetting, match=r"HOLDFAST_SWEEP_EVERY .* seconds from 0.1 to 30"):
        seconds("HOLDFAST_SWEEP_EVERY", 2, low=0.1, high=30)


def test_an_interval_may_have_a_fraction(monkeypatch):
    monkeypatch.setenv("HOLDFAST_SWEEP_EVERY", "0.3")
    assert seconds("HOLDFAST_SWEEP_EVERY", 2, low=0.1, high=30) == 0.3
