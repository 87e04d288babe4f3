"""One job, inside the test's transaction: what its row says after each way to end."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone
from django_q.models import OrmQ

from jobs import runner, services, tasks
from jobs.exceptions import Cancelled, NeedsPerson
from jobs.models import Job
from tenants.models import Team
from tenants.scoping import active_tenant_id, tenant_transaction


def fetch(job):
    return Job.objects.get(pk=job.pk)


def test_a_transactional_job_runs_for_its_own_tenant_and_is_done(acme, kind):
    seen = []

    def work(tenant, progress, *, word):
        seen.append((tenant.slug, active_tenant_id() == tenant.pk, word))
        progress(1, 2, "half way")
        return {"word": word}

    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(work), args={"word": "hello"}, by=acme.actor("csm"))
        after = runner.run_now(job.pk)
    assert seen == [("acme", True, "hello")]
    assert (after.state, after.attempts, after.result) == ("done", 1, {"word": "hello"})
    assert (after.done, after.total, after.message) == (2, 2, "half way")
    assert after.finished_at is not None
    assert after.requested_by_id == acme.csm.user_id


def test_a_stepwise_handler_opens_its_own_transactions(acme, kind):
    def work(tenant, progress):
        with tenant_transaction(tenant.pk):
            progress(1, 1)
            return {"teams": Team.objects.count()}

    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(work, mode="stepwise"))
        assert runner.run_now(job.pk).result == {"teams": 1}


def test_a_failing_handler_leaves_nothing_but_its_error_and_waits_longer_each_time(acme, kind):
    def work(tenant, progress):
        Team.objects.filter(tenant=tenant).update(name="half done")
        raise ValueError("no such\x00 thing")

    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(work, max_attempts=3))
        waits = []
        for attempt in (1, 2):
            after = runner.run_now(job.pk)
            assert (after.state, after.attempts) == ("queued", attempt)
            assert after.last_error == "no such thing"
            assert after.rung_at is None
            waits.append((after.not_before - timezone.now()).total_seconds())
        assert 0 < waits[0] <= 5 < 9 < waits[1] <= 20
        after = runner.run_now(job.pk)
        assert (after.state, after.attempts) == ("dead", 3)
        assert not Team.objects.filter(name="half done").exists()


def test_a_job_is_not_run_before_its_time_by_the_doorbell(acme, kind):
    with acme.here():
        later = timezone.now() + timedelta(hours=1)
        job = services.enqueue(acme.tenant, kind=kind(lambda tenant, progress: None), not_before=later)
        assert job.rung_at is None
        assert not OrmQ.objects.exists()
        tasks.run_job(job.pk)
        assert fetch(job).state == "queued"
        assert runner.run_now(job.pk).state == "done"


def test_the_longest_wait_is_a_quarter_of_an_hour():
    delays = [services.delay_after(attempts) for attempts in (1, 5, 30) for _ in range(50)]
    assert max(delays) <= 900
    assert min(delays) >= 2.5
    assert len(set(delays)) > 100


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("score"), "KeyError: 'score'"),
        (ValueError(), "ValueError"),
        (ValueError("The disk is full."), "The disk is full."),
        (DatabaseError("duplicate key\nDETAIL: Key (email)=(anna@example.com)"), "duplicate key"),
        (ValueError("x" * 9000), "ValueError: " + "x" * 1988),
    ],
)
def test_an_error_in_words_says_what_but_no_row_values(error, words):
    assert services.in_words(error) == words


def test_an_error_that_needs_a_person_fails_at_once(acme, kind):
    def work(tenant, progress):
        raise NeedsPerson("The file is gone. Upload it again.")

    with acme.here():
        after = runner.run_now(services.enqueue(acme.tenant, kind=kind(work)).pk)
    assert (after.state, after.attempts, after.last_error) == (
        "dead",
        1,
        "The file is gone. Upload it again.",
    )


def test_a_time_limit_counts_as_a_failure_and_the_task_still_returns(acme, kind):
    from django_q.exceptions import TimeoutException

    def work(tenant, progress):
        raise TimeoutException("Task exceeded maximum timeout value (300 seconds)")

    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(work))
        tasks.run_job(job.pk)
        assert fetch(job).state == "queued"
        assert "300 seconds" in fetch(job).last_error


def test_a_kind_that_is_not_installed_is_kept_for_a_newer_worker(acme, kind, monkeypatch):
    from jobs import registry

    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(lambda tenant, progress: None))
        monkeypatch.delitem(registry.kinds, job.kind)
        assert runner.run_now(job.pk).state == "queued"


def test_a_second_bell_for_a_finished_job_does_nothing(acme, kind):
    runs = []
    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(lambda tenant, progress: runs.append(1)))
        tasks.run_job(job.pk)
        tasks.run_job(job.pk)
        tasks.run_job(job.pk + 1000)
    assert runs == [1]


def test_one_key_gives_one_unfinished_job(acme, globex, kind):
    name = kind(lambda tenant, progress: None)
    with acme.here():
        first = services.enqueue(acme.tenant, kind=name, dedupe_key="once")
        assert services.enqueue(acme.tenant, kind=name, dedupe_key="once").pk == first.pk
        assert OrmQ.objects.count() == 1
    with globex.here():
        assert services.enqueue(globex.tenant, kind=name, dedupe_key="once").pk != first.pk
    with acme.here():
        runner.run_now(first.pk)
        assert services.enqueue(acme.tenant, kind=name, dedupe_key="once").pk != first.pk


def test_cancelling_a_running_job_rolls_its_work_back(acme, kind):
    def work(tenant, progress):
        Team.objects.filter(tenant=tenant).update(name="half done")
        services.cancel(tenant, job_id=job.pk, by=acme.actor("ops_admin"))
        with pytest.raises(Cancelled):
            progress(1, 2)
        # even a handler that does not listen is not counted as done

    with acme.here():
        job = services.enqueue(acme.tenant, kind=kind(work))
        # the cancel above is inside the work's own savepoint here, so it goes with it; the row shows the outcome
        after = runner.run_now(job.pk)
        assert after.state == "cancelled"
        assert not Team.objects.filter(name="half done").exists()
