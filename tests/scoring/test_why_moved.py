"""The timeline under "Moved the score": each scoring's parts with their points, which add up to its move."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import timeline
from accounts.models import Invoice, Survey
from scoring.models import HealthPolicy, HealthSnapshot, PolicyIndicator
from scoring.why import moved
from tests.scoring.evidence import DAY, add, ago, rich, score

pytestmark = pytest.mark.django_db

THEN, LATER = DAY - timedelta(days=30), DAY - timedelta(days=1)


@pytest.fixture
def world(acme):
    """Three scored days: between the first two an invoice fell due, before the third a bad survey came in."""
    account = rich(acme)
    add(acme, account, Invoice, issued_at=ago(55), due_at=ago(25), amount=Decimal(100), currency="USD")
    add(acme, account, Survey, kind="nps", score=2, responded_at=ago(1, hours=-1))
    with acme.here():
        HealthPolicy.objects.filter(state="published").update(min_coverage_pct=10)
    for day in (THEN, LATER, DAY):
        score(acme, day)
    return acme, account


def lines(world, account, *, size=100, before=""):
    with world.here():
        return timeline.entries(world.tenant, account, group=moved.LABEL, before=before, size=size)


def of(found, day):
    return [line for line in found if line.at.date() == day]


def test_each_scoring_tells_its_move_and_the_parts_of_it(world):
    acme, account = world
    found, older = lines(acme, account)
    assert older == ""
    assert {line.at.date() for line in found} == {DAY, LATER}
    with acme.here():
        health = dict(HealthSnapshot.objects.filter(account_id=account.pk).values_list("as_of", "health"))
    for day, before in ((DAY, LATER), (LATER, THEN)):
        whole, *parts = of(found, day)
        assert whole.points == health[day] - health[before]
        assert whole.text.startswith(f"Health {health[before]:.0f} to {health[day]:.0f}, ")
        assert all(abs(part.points) >= Decimal("0.5") for part in parts)
        assert [abs(part.points) for part in parts] == sorted(
            (abs(part.points) for part in parts), reverse=True
        )
    survey = next(line for line in of(found, DAY) if "NPS" in line.text)
    assert (survey.points < 0, survey.detail) == (True, "Surveys")
    assert any("overdue" in line.text.lower() and line.points < 0 for line in of(found, LATER))


def test_with_the_small_ones_the_parts_add_up_to_the_last_hundredth(world, monkeypatch):
    monkeypatch.setattr(moved, "LEAST", 1)
    for day in (LATER, DAY):
        whole, *parts = of(lines(*world)[0], day)
        assert sum(part.points for part in parts) == whole.points != 0


def test_pages_follow_without_gap_or_repeat(world):
    acme, account = world
    every, _ = lines(acme, account)
    seen, before = [], ""
    while True:
        page, before = lines(acme, account, size=2, before=before)
        seen += page
        if not before:
            break
    assert [(line.at, line.id, line.text) for line in seen] == [
        (line.at, line.id, line.text) for line in every
    ]
    assert len({line.id for line in every}) == len(every) > 4


def test_a_page_looks_at_so_many_scorings_and_the_next_one_goes_on(world, monkeypatch):
    acme, account = world
    every, _ = lines(acme, account)
    monkeypatch.setattr(moved, "SCORINGS", 1)
    first, older = lines(acme, account)
    assert first == of(every, DAY)
    second, older = lines(acme, account, before=older)
    assert second == of(every, LATER)
    assert lines(acme, account, before=older) == ([], "")


def test_another_policy_is_one_line(world):
    acme, account = world
    with acme.here():
        HealthPolicy.objects.filter(state="published").update(version=9)
        PolicyIndicator.objects.filter(weight__gt=0).update(weight=1)
    score(acme, DAY + timedelta(days=1))
    found = of(lines(acme, account)[0], DAY + timedelta(days=1))
    assert len(found) == 2
    assert found[1].text == "Policy all v9 in place of all v1"
    assert found[1].points is None


def test_the_account_page_offers_it_first_and_shows_points(world, client):
    acme, account = world
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:account", args=["acme", account.pk]), {"kind": moved.LABEL}).text
    options = re.findall(r'<option value="([^"]*)"', text[text.index('id="evidence-kind"') :])
    assert options[:2] == ["", moved.LABEL]
    assert re.search(r'<span class="num strong">−\d+\.\d<span class="vh"> points</span></span>', text)
    other = client.get(reverse("accounts:evidence", args=["acme", account.pk]), {"kind": "Billing"}).text
    assert "num strong" not in other


def test_a_page_of_it_takes_one_statement(world):
    acme, account = world
    with acme.here(), CaptureQueriesContext(connection) as captured:
        timeline.entries(acme.tenant, account, group=moved.LABEL)
    assert len(captured) == 1


def test_a_foreign_account_tells_nothing(world, globex):
    _, account = world
    assert lines(globex, account) == ([], "")
