"""Renewals and model quality stand there on the first day, not only after the first night."""

import pytest
from django.utils import timezone

from jobs import services as jobs
from jobs.models import Job
from jobs.runner import run_now
from scoring import follow_up, tasks
from scoring.cohorts.job import COHORTS
from scoring.growth.work import GROWTH
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
