"""Windows of a tenant's own, indicators of later releases in drafts, names of competitors in the admin."""

import pytest
from django.urls import reverse

from accounts import models
from scoring import policies, policy_queries, queries
from scoring.catalogue import INDICATORS
from scoring.exceptions import PolicyRefused
from scoring.features.statements import EVIDENCE
from scoring.models import HealthPolicy, PolicyIndicator
from scoring.panels import has_recent_survey
from scoring.sentiment.models import Competitor
from scoring.sentiment.reading import read_new
from tests.scoring.evidence import DAY, add, ago, rich, score
from tests.scoring.finding import found, value

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account()


def test_every_window_that_can_be_set_is_read_by_a_statement():
    statements = "".join(EVIDENCE.values())
    named = {each.key for each in INDICATORS if f"%({each.key})s" in statements}
    assert named == {each.key for each in INDICATORS if each.has_window}
    assert len(named) >= 12


def set_window(world, key, days):
    with world.here():
        PolicyIndicator.objects.filter(policy__state="published", policy__segment="", indicator=key).update(
            window_days=days
        )


def test_a_window_of_ones_own_counts_and_is_said(acme, account):
    for days in (10, 80, 150):
        add(acme, account, models.Activity, kind="meeting", occurred_at=ago(days))
    assert value(acme, account, "engagement.meetings_90d") == 2
    set_window(acme, "engagement.meetings_90d", 160)
    assert value(acme, account, "engagement.meetings_90d") == 3
    assert found(acme, account, "engagement.meetings_90d")["text"] == "3 calls or meetings in 160 days"
    score(acme)
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
    (kept,) = [each for each in snapshot.indicators if each["key"] == "engagement.meetings_90d"]
    assert kept["text"] == "3 calls or meetings in 160 days"


def test_a_fixed_window_cannot_be_set_and_a_wild_one_neither():
    with pytest.raises(PolicyRefused, match="fixed"):
        policies.check_window("usage.trend_30d", 30)
    with pytest.raises(PolicyRefused, match="between 7 and 730"):
        policies.check_window("engagement.meetings_90d", 3)
    policies.check_window("engagement.meetings_90d", 30)


def test_a_draft_has_the_indicators_that_its_source_did_not_know(acme):
    with acme.here():
        policy = HealthPolicy.objects.get(state="published", segment="")
        PolicyIndicator.objects.filter(policy=policy, indicator="usage.volatility").delete()
        draft = policies.draft_from(acme.tenant, policy_id=policy.pk, by=acme.actor("ops_admin"))
        rows = {row.indicator: row for row in policy_queries.rows_of(acme.tenant, draft)}
    assert set(rows) == {each.key for each in INDICATORS}
    assert rows["usage.volatility"].weight == 0


def test_an_indicator_without_weight_has_a_value_in_its_snapshot(acme):
    account = rich(acme)
    score(acme)
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
    every = {each["key"]: each for each in snapshot.breakdown.everything()}
    assert every["engagement.trainings_365d"]["weight"] == 0
    assert every["engagement.trainings_365d"]["value"] == 0
    assert "engagement.trainings_365d" not in {each["key"] for each in snapshot.indicators}


def test_satisfaction_without_a_recent_survey_is_estimated(acme, account):
    rated = rich(acme, "Rated")  # two closed tickets with a rating, NPS 80 days ago
    add(acme, account, models.Survey, kind="nps", score=9, responded_at=ago(181))
    add(acme, account, models.Ticket, opened_at=ago(20))
    fresh = acme.add_account("Fresh")
    add(acme, fresh, models.Survey, kind="nps", score=9, responded_at=ago(180))
    score(acme)
    with acme.here():
        snapshots = {
            each.pk: queries.snapshot(acme.tenant, account_id=each.pk, as_of=DAY)
            for each in (account, rated, fresh)
        }
    assert [has_recent_survey(snapshots[each.pk]) for each in (account, rated, fresh)] == [False, True, True]


def test_a_renamed_competitor_is_looked_for_anew(acme, account, client):
    add(acme, account, models.Ticket, opened_at=ago(9), body="Rivalo or Otherly", recorded_at=ago(9))
    with acme.here():
        rival = Competitor.objects.create(tenant=acme.tenant, name="Rivalo")
    read_new(acme.tenant)
    client.force_login(acme.ops_admin.user)
    session = client.session
    session["acting_tenant"] = acme.tenant.slug
    session.save()
    page = reverse("admin:scoring_competitor_change", args=[rival.pk])
    assert client.post(page, {"name": "Otherly", "is_active": "on"}).status_code == 302
    with acme.here():
        rival.refresh_from_db()
    assert (rival.name, rival.searched_to) == ("Otherly", None)
    read_new(acme.tenant)
    assert (
        found(acme, account, "business.competitor_mentions_90d")["text"]
        == "Otherly named in 1 text of 90 days"
    )
