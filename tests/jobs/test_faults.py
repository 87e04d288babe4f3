"""Real processes, real commits, real signals: a job's work happens once, whatever dies. More in tests/faults."""

import signal

import psycopg
import pytest
from django.db import Error, connection
from django.utils import timezone

from jobs import lease, registry, runner, services, tasks
from jobs.models import Job
from jobs.sweeper import Sweeper
from tests.jobs import process
from tests.jobs.real import as_role, committed_world, here, ran, start

pytestmark = pytest.mark.processes


@pytest.fixture
def world(committed_db, monkeypatch):
    before = dict(registry.kinds)
    process.register()
    for name in registry.kinds.keys() - before.keys():
        monkeypatch.setitem(registry.kinds, name, registry.kinds.pop(name))
    return committed_world()


@pytest.fixture
def run(committed_db, tmp_path):
    """Starts processes that run jobs, and ends those that are left."""
    started = []

    def begin(*job_ids):
        started.append(start(committed_db, tmp_path, *job_ids))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.wait()


def ask(world, kind, **options):
    with here(world):
        return services.enqueue(world.tenant, kind=kind, **options)


def fetch(world, job):
    with here(world):
        return Job.objects.get(pk=job.pk)


def make_due(world, job):
    """As if the back-off were over."""
    with here(world):
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now())


def marks(folder):
    return list(folder.glob("started-*"))


def test_a_killed_worker_leaves_a_counted_attempt_and_the_next_one_does_the_work_once(world, run, tmp_path):
    job = ask(world, "tests.patient")
    first = run(job.pk)
    process.wait_for_mark(tmp_path, 1)
    seen = fetch(world, job)
    assert (seen.state, seen.attempts) == ("running", 1), "the attempt is committed before the work"
    assert (seen.done, seen.total, seen.message) == (1, 2, "half way"), (
        "progress shows while the work is open"
    )

    with as_role("worker"):
        Sweeper().sweep()
    assert fetch(world, job).state == "running", "a living worker keeps its job"

    first.send_signal(signal.SIGKILL)
    first.wait()
    with as_role("worker"):
        Sweeper().sweep()
    seen = fetch(world, job)
    assert (seen.state, seen.attempts) == ("queued", 1)
    assert "worker stopped" in seen.last_error
    assert ran(world) == [], "what the dead worker wrote was never committed"

    make_due(world, job)
    (tmp_path / "go").touch()
    assert run(job.pk).wait(60) == 0
    seen = fetch(world, job)
    assert (seen.state, seen.attempts, seen.last_error) == ("done", 2, "")
    assert ran(world) == ["patient"]


def test_two_runners_at_once_are_one(world, run, tmp_path):
    job = ask(world, "tests.patient")
    both = [run(job.pk), run(job.pk)]
    process.wait_for_mark(tmp_path, 1)
    loser = process.first_to_end(both)
    assert loser.returncode == 0
    assert len(marks(tmp_path)) == 1
    (tmp_path / "go").touch()
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(marks(tmp_path)) == 1
    assert ran(world) == ["patient"]
    assert fetch(world, job).attempts == 1


def test_a_lease_held_elsewhere_is_respected(world, test_server, committed_db):
    job = ask(world, "jobs.tidy")
    with psycopg.connect(**{**test_server.params("worker"), "dbname": committed_db}) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [lease.JOB_CLASS, job.pk])
        with as_role("worker"):
            tasks.run_job(job.pk)
        assert fetch(world, job).attempts == 0
    with as_role("worker"):
        tasks.run_job(job.pk)
    assert fetch(world, job).state == "done"


def test_a_job_stopped_while_it_runs_keeps_nothing(world, run, tmp_path):
    job = ask(world, "tests.patient")
    worker = run(job.pk)
    process.wait_for_mark(tmp_path, 1)
    with here(world):
        services.cancel(world.tenant, job_id=job.pk, by=world.actor("ops_admin"))
    (tmp_path / "go").touch()
    assert worker.wait(60) == 0
    assert fetch(world, job).state == "cancelled"
    assert ran(world) == []


def test_a_dead_workers_job_that_was_to_stop_is_not_started_again(world, run, tmp_path):
    job = ask(world, "tests.patient")
    worker = run(job.pk)
    process.wait_for_mark(tmp_path, 1)
    with here(world):
        services.cancel(world.tenant, job_id=job.pk, by=world.actor("ops_admin"))
    worker.kill()
    worker.wait()
    with as_role("worker"):
        Sweeper().sweep()
    assert fetch(world, job).state == "cancelled"


def test_a_command_runs_a_job_at_once_as_the_app_role(world, tmp_path):
    def work(tenant, progress):
        progress(1, 3, "as the app role")
        return {"tenant": tenant.slug}

    registry.kinds["tests.patient"] = registry.Kind("tests.patient", work, "stepwise", "At once")
    job = runner.run_now(ask(world, "tests.patient").pk, tenant=world.tenant)
    assert (job.state, job.result, job.done, job.message) == (
        "done",
        {"tenant": "acme"},
        3,
        "as the app role",
    )


def test_without_a_tenant_only_the_worker_role_sees_job_rows(world):
    ask(world, "jobs.tidy")
    with as_role("worker"):
        assert Job.objects.across_tenants().count() == 1
    with connection.cursor() as cursor, pytest.raises(Error, match=r"app\.tenant_id"):
        cursor.execute("SELECT count(*) FROM jobs_job")
