"""Days that were scored before what is noticed of persons was kept apart: nothing that is shown tells it."""

import io
from datetime import date, timedelta

import pytest
from django.urls import reverse

from accounts import timeline
from accounts.models import Contact
from scoring import apart, exports
from scoring.models import AccountHealth, HealthPolicy, HealthSnapshot, PolicyIndicator, ScoreRun
from scoring.people.models import PersonObservation
from scoring.people.vulnerability import Vulnerability, vulnerability, with_known
from scoring.why import moved
from tests.scoring.evidence import DAY, ago, rich, score
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db
BEFORE = DAY - timedelta(days=7)
LABEL = "Vulnerability of the champion"
HIDDEN = "The parts are not told"


@pytest.fixture
def world(acme):
    """Two scored days on which the vulnerability alone counts, and moves: the champion leaves between."""
    account = rich(acme)
    register(acme, by_hand(curve(apart.INDICATOR, [0, 100], [0, 3])), as_of=date(2026, 3, 1))
    with acme.here():
        HealthPolicy.objects.filter(state="published").update(min_coverage_pct=10)
        rows = PolicyIndicator.objects.for_tenant(acme.tenant)
        rows.update(weight=0, enabled=False)
        rows.filter(indicator=apart.INDICATOR).update(weight=100, enabled=True)
    score(acme, BEFORE)
    with acme.here():
        Contact.objects.filter(account=account, role="champion").update(departed_at=ago(2))
    score(acme, DAY)
    return acme, account


def by_the_earlier_release(world):
    with world.here():
        for run in ScoreRun.objects.for_tenant(world.tenant):
            run.summary.pop(apart.MARK)
            run.save(update_fields=["summary"])


def shown(client, world, account):
    """The page of changes, the timeline and the file."""
    client.force_login(world.csm.user)
    page = client.get(
        reverse("scoring:changes", args=[world.tenant.slug, account.pk]) + f"?from={BEFORE}&to={DAY}"
    )
    assert page.status_code == 200
    with world.here():
        lines, _ = timeline.entries(world.tenant, account, group=moved.LABEL, before="", size=50)
    out = io.StringIO()
    exports.write_rows(world.tenant, as_of=DAY, out=out)
    return page.text, lines, out.getvalue()


def test_parts_and_values_of_such_days_are_not_told(client, world):
    acme, account = world
    page, lines, file = shown(client, acme, account)
    assert LABEL in page
    assert HIDDEN not in page
    assert any(LABEL in line.text for line in lines)
    assert "champion" in file.lower()
    by_the_earlier_release(acme)
    page, lines, file = shown(client, acme, account)
    assert LABEL not in page
    assert page.count(HIDDEN) == 2  # of health and of the chance
    assert not [line for line in lines if LABEL in line.text]
    assert [line.points is None for line in lines] == [
        False,
        True,
    ]  # the move of the whole, and why it is not parted
    assert "champion" not in file.lower()


def test_scored_again_they_are_told(client, world):
    acme, account = world
    by_the_earlier_release(acme)
    with acme.here():  # as the earlier release's engine number made them differ
        for run in ScoreRun.objects.for_tenant(acme.tenant):
            ScoreRun.objects.filter(pk=run.pk).update(fingerprint=f"{run.pk:064x}")
    score(acme, BEFORE)
    score(acme, DAY)
    page, lines, file = shown(client, acme, account)
    assert LABEL in page
    assert any(LABEL in line.text for line in lines)
    assert "champion" in file.lower()


def test_what_is_known_without_comes_from_runs_that_keep_it_apart(world):
    """From the account's newest scoring; what was noticed is no part of it and is not added twice."""
    acme, account = world
    with acme.here():
        person = Contact.objects.get(account=account, role="champion")
        Contact.objects.filter(pk=person.pk).update(departed_at=None)
        PersonObservation.objects.create(
            tenant=acme.tenant, account=account, contact=person, sign="new_manager", confidence="high",
            observed_on=DAY - timedelta(days=1), expires_on=DAY + timedelta(days=3), author_label="x",
        )  # fmt: skip
        standing = AccountHealth.objects.get(account=account)
        kept = HealthSnapshot.objects.get(
            account_id=account.pk, run_id=standing.run_id
        ).breakdown.everything()
        value = next(each["value"] for each in kept if each["key"] == apart.INDICATOR)
        assert value > 0
        assert with_it() == Vulnerability(value, min(value + 20, 100))
    by_the_earlier_release(acme)
    with acme.here():
        assert with_it() == Vulnerability(None, 20)


def with_it():
    return vulnerability(list(with_known(PersonObservation.objects.all())), today=DAY)
