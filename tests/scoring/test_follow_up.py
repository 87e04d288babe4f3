"""Renewals and model quality stand there on the first day, not only after the first night."""

import pytest
from django.utils import timezone

from jobs import registry
from jobs import services as jobs
from jobs.models import Job
from jobs.runner import run_now
from scoring import follow_up, newest, tasks
from scoring.cohorts.job import COHORTS
from scoring.growth.work import GROWTH
from scoring.models import ScoreRun
from scoring.quality.job import QUALITY
from tests.scoring.evidence import DAY, MAKER, rich
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db


def score(world):
    with world.here():
        return run_now(jobs.enqueue(world.tenant, kind=tasks.SCORE, args={"as_of": str(DAY)}).pk)


def waiting(world):
    with world.here():
        rows = Job.objects.filter(state="queued", kind__in=(COHORTS, GROWTH, QUALITY)).order_by("kind")
        return [(row.kind, row.pk) for row in rows]


def work_off(world):
    for _, job_id in waiting(world):
        with world.here():
            assert run_now(job_id).state == "done"


def page(client, world, path):
    client.force_login(world.people["executive"].user)
    return client.get(world.url(path)).text


def test_the_first_scoring_and_every_other_version_are_followed_at_once(acme):
    rich(acme)
    score(acme)
    assert [kind for kind, _ in waiting(acme)] == [COHORTS, GROWTH, QUALITY]
    work_off(acme)
    score(acme)
    assert waiting(acme) == []  # what stands speaks of the same version: the night is soon enough
    register(acme, by_hand(curve("usage.seat_use", (0, 1), (1, -1))), as_of=DAY)
    score(acme)
    assert [kind for kind, _ in waiting(acme)] == [COHORTS, GROWTH, QUALITY]


def test_asked_twice_it_is_one_job(acme):
    rich(acme)
    score(acme)
    before = waiting(acme)
    assert {each.pk for each in follow_up.ask(acme.tenant, by=MAKER)} == {job_id for _, job_id in before}
    assert waiting(acme) == before


BUTTONS = {COHORTS: "outcomes/cohorts/run/", GROWTH: "growth/run/", QUALITY: "models/quality/run/"}


def test_the_night_and_the_buttons_find_what_was_asked_for_already(client, acme):
    rich(acme)
    score(acme)
    before = waiting(acme)
    with acme.here():
        nightly = {each.kind: each for each in registry.schedules.values() if each.kind in BUTTONS}
        fired = [
            jobs.fire(acme.tenant, schedule=nightly[kind], slot=timezone.now()) for kind in sorted(nightly)
        ]
    assert [(each.kind, each.pk) for each in fired] == before
    client.force_login(acme.manager.user)
    for kind, job_id in before:
        answer = client.post(acme.url(BUTTONS[kind]))
        assert answer.url == acme.url(f"jobs/{job_id}/")
        page = client.get(answer.url)  # who asked for it was somebody else
        assert page.status_code == 200
        assert "Cancel this job" not in page.text
        assert client.post(f"{answer.url}cancel/").status_code == 404
    assert waiting(acme) == before


@pytest.mark.parametrize(("scored_meanwhile", "rounds"), [(0, 1), (1, 2), (5, newest.ROUNDS)])
def test_what_was_scored_meanwhile_is_told_of_by_the_job_that_runs(acme, scored_meanwhile, rounds):
    """It is not asked for again while one runs, so that one has to go on."""
    rich(acme)
    score(acme)
    told = []

    def once(run):
        told.append(run.pk)
        if len(told) <= scored_meanwhile:
            ScoreRun.objects.create(tenant=acme.tenant, as_of=DAY, policy_versions={}, fingerprint="x")
        return {"run": run.pk}

    with acme.here():
        assert newest.work_out(acme.tenant, once) == {"run": told[-1]}
    assert len(told) == len(set(told)) == rounds


def test_nothing_is_asked_for_before_anything_was_scored(acme):
    assert follow_up.ask(acme.tenant) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("renewals/", GROWTH),
        ("growth/", GROWTH),
        ("models/quality/", QUALITY),
        ("outcomes/cohorts/", COHORTS),
    ],
)
def test_an_empty_page_says_when_the_figures_will_be_there(client, acme, path, kind):
    rich(acme)
    score(acme)
    assert "next in line" in page(client, acme, path)
    with acme.here():
        rows = Job.objects.filter(kind=kind)
        rows.update(state="running")
    assert "being worked out now" in page(client, acme, path)
    with acme.here():
        rows.update(state="dead", finished_at=timezone.now())
    assert "The last attempt failed" in page(client, acme, path)
    with acme.here():
        rows.delete()
    assert "at 06:00, after the nightly scoring" in page(client, acme, path)
