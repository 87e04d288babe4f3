"""Scoring as a job: by night, by button, from what is known."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity
from jobs import services as jobs
from jobs.models import Job
from jobs.registry import schedules
from jobs.runner import run_now
from scoring import pipeline, queries, tasks
from scoring.clock import utc_today
from scoring.exceptions import ScoringInProgress
from scoring.locks import scoring_key
from scoring.models import HealthPolicy
from tests.scoring.evidence import DAY, MAKER, add, ago, rich

pytestmark = pytest.mark.django_db


def run_job(world, **args):
    with world.here():
        return run_now(jobs.enqueue(world.tenant, kind=tasks.SCORE, args=args).pk)


def test_the_job_scores_the_day_after_the_newest_evidence(acme):
    rich(acme)
    job = run_job(acme)
    assert (job.state, job.result["as_of"], job.result["scored"]) == ("done", str(DAY), 1)
    assert job.result["url"] == "/t/acme/scores/"
    assert (job.done, job.total) == (1, 1)
    assert run_job(acme).result["unchanged"] is True


def test_a_meeting_entered_for_next_month_moves_no_countdown(acme):
    account = rich(acme)
    ahead = (utc_today() - DAY).days + 40
    add(acme, account, Activity, kind="meeting", occurred_at=ago(-ahead))
    assert run_job(acme).result["as_of"] == str(DAY)


def test_the_night_leaves_the_day_that_has_just_begun(acme):
    account = rich(acme)
    add(acme, account, Activity, kind="call", occurred_at=timezone.now())
    today = utc_today()
    assert run_job(acme, at_night=True).result["as_of"] == str(DAY)
    assert run_job(acme).result["as_of"] == str(today + timedelta(days=1))
    # lists show tomorrow's figures now, so the night refreshes those
    assert run_job(acme, at_night=True).result["as_of"] == str(today + timedelta(days=1))


def test_a_day_can_be_asked_for(acme):
    rich(acme)
    day = DAY - timedelta(days=3)
    assert run_job(acme, as_of=str(day)).result["as_of"] == str(day)


def test_an_empty_workspace_is_no_failure(acme):
    job = run_job(acme)
    assert (job.state, job.result["scored"]) == ("done", 0)


def test_a_missing_policy_needs_a_person(acme):
    rich(acme)
    with acme.here():
        HealthPolicy.objects.for_tenant(acme.tenant).update(state="retired")
    job = run_job(acme)
    assert (job.state, job.attempts) == ("dead", 1)
    assert "No published health policy" in job.last_error


def test_it_runs_every_night_at_five(acme):
    nightly = schedules["scoring.nightly"]
    assert (nightly.kind, nightly.at_hour, nightly.args) == (tasks.SCORE, 5, {"at_night": True})
    assert schedules["scoring.expire_overrides"].every == timedelta(hours=1)


def test_two_runs_of_one_tenant_do_not_meet(acme, test_server):
    import psycopg

    rich(acme)
    key = scoring_key(acme.tenant)
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", key)
        with pytest.raises(ScoringInProgress):
            pipeline.score_day(acme.tenant, as_of=DAY, by=MAKER)
        other.execute("SELECT pg_advisory_unlock(%s, %s)", key)  # a closing session would take its time
    assert pipeline.score_day(acme.tenant, as_of=DAY, by=MAKER).accounts == 1


def connection_parameters():
    from django.db import connection

    wanted = ("host", "port", "dbname", "user", "password")
    return {name: value for name, value in connection.get_connection_params().items() if name in wanted}


def test_score_now_asks_for_one_job_and_shows_its_progress(client, acme):
    rich(acme)
    client.force_login(acme.manager.user)
    address = reverse("scoring:run", args=["acme"])
    first = client.post(address, headers={"HX-Request": "true"})
    again = client.post(address)
    with acme.here():
        job = Job.objects.for_tenant(acme.tenant).get(kind=tasks.SCORE)
    assert first.status_code == 200
    assert f'id="progress-job-{job.pk}"' in first.text
    assert (again.status_code, again.url) == (303, reverse("jobs:job", args=["acme", job.pk]))
    with acme.here():
        assert run_now(job.pk).state == "done"
        run = queries.newest_run(acme.tenant)
    assert run.started_by_label == "manager acme (Manager)"
