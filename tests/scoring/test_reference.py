"""The page of all indicators, and the sixteen factors that other tools name."""

import pytest
from django.urls import reverse

from scoring import queries, reference
from scoring.catalogue import BY_KEY, INDICATORS, Dimension
from scoring.catalogue.factors import FACTORS
from scoring.models import PolicyIndicator
from tests.scoring.evidence import rich, score

NAMES = (
    "loginFrequency featureAdoption dataVolume apiUsage supportTickets trainingCompleted communityParticipation "
    "feedbackProvided contractValue paymentHistory expansionPotential renewalDate npsScore csatScore surveyResponses "
    "escalations"
).split()


def test_each_of_the_sixteen_factors_is_measured():
    assert list(FACTORS) == NAMES
    for name, keys in FACTORS.items():
        assert keys, name
        assert set(keys) <= set(BY_KEY), name
    assert [name for name, _ in reference.factors()] == NAMES


def test_there_are_at_least_36_and_dimensions_keep_their_weight():
    assert len(INDICATORS) >= 36
    weights = {name: sum(each.weight for each in INDICATORS if each.dimension == name) for name in Dimension}
    assert weights == {
        "usage": 32, "engagement": 16, "satisfaction": 20, "business": 10, "stakeholders": 12, "outcomes": 10,
    }  # fmt: skip
    groups = {each.group for each in INDICATORS}
    assert {"community", "onboarding", "payment", "company", "champion", "support", "value"} <= groups


def test_every_unit_has_a_word():
    assert {each.unit for each in INDICATORS} <= set(reference.UNIT_WORDS)


def page(client, world, role="executive"):
    client.force_login(world.people[role].user)
    return client.get(reverse("scoring:indicators", args=[world.tenant.slug])).text


@pytest.mark.django_db
def test_before_the_first_run_it_shows_what_will_be_measured(client, acme):
    text = page(client, acme)
    assert "Nothing was measured yet" in text
    for each in INDICATORS:
        assert f'id="{each.key}"' in text
    assert all(name in text for name in NAMES)


@pytest.mark.django_db
def test_it_says_of_how_many_it_is_known_and_what_it_weighs(client, acme):
    rich(acme)
    acme.add_account("Without anything")
    score(acme)
    rows = PolicyIndicator.objects.for_tenant(acme.tenant)
    with acme.here():
        rows.filter(indicator="business.overdue_days").update(enabled=False)
        rows.filter(indicator="business.late_payments").update(window_days=200, weight=7)
        rows.filter(indicator="business.discount").delete()
        found = {
            line.indicator.key: line
            for group in reference.groups(
                queries.published_policies(acme.tenant), queries.newest_run(acme.tenant)
            )
            for line in group.lines
        }
    assert [each.state for each in found["business.overdue_days"].policies] == ["off"]
    assert [(each.weight, each.window_days) for each in found["business.late_payments"].policies] == [
        (7, 200)
    ]
    assert [each.state for each in found["business.discount"].policies] == ["weightless"]
    assert found["business.late_payments"].known == 50.0
    assert found["business.late_payments"].is_on
    assert not found["business.overdue_days"].is_on
    text = page(client, acme)
    assert "on 1 Oct 2026, of 2" in text
    assert "switched off" in text
    assert "200 days" in text
    assert "of 2." not in page(
        client, acme, "csm"
    )  # who does not see all accounts is not told how many there are
