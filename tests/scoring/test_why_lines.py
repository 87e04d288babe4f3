"""Competitors that were named and the tone of texts, as dated lines of the timeline."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import models, timeline
from scoring.models import Competitor
from scoring.sentiment.reading import read_new
from scoring.why.sources import place_of
from tests.scoring.evidence import add

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    """A ticket and a mail name Rivalco, a survey names nobody; Oldname is switched off."""
    now = timezone.now()
    account = acme.add_account(owner="csm")
    with acme.here():
        Competitor.objects.create(tenant=acme.tenant, name="Rivalco")
        Competitor.objects.create(tenant=acme.tenant, name="Oldname", is_active=False)
    add(
        acme, account, models.Ticket, subject="Import", body="We hate this. Rivalco is great.",
        opened_at=now - timedelta(days=9),
    )  # fmt: skip
    add(
        acme, account, models.Activity, kind="email", direction="inbound", subject="Options",
        body="We look at Rivalco and Oldname.", occurred_at=now - timedelta(days=4),
    )  # fmt: skip
    add(
        acme, account, models.Survey, kind="nps", score=3, comment="This is terrible, we hate it.",
        responded_at=now - timedelta(days=6),
    )  # fmt: skip
    read_new(acme.tenant)
    return account


def lines(world, account, group=""):
    with world.here():
        return timeline.entries(world.tenant, account, group=group)[0]


def test_each_mention_is_a_dated_line_and_can_be_seen_alone(acme, account):
    found = lines(acme, account, "Competitors")
    assert [re.sub(r"Ticket-\d+", "T", line.text) for line in found] == [
        "Rivalco named in email",
        "Rivalco named in ticket T",
    ]
    assert [line.detail for line in found] == ["Options", "Import"]
    assert not any(line.has_body for line in found)
    everything = [line.kind for line in lines(acme, account)]
    assert everything.count("mention") == 2
    assert not any(kind.startswith("tone_") for kind in everything)  # their rows are there already


def test_the_tone_of_each_text_is_a_line_of_its_own_kind(acme, account):
    found = {line.kind: line for line in lines(acme, account, "Tone")}
    assert set(found) >= {"tone_survey", "tone_ticket"}
    assert found["tone_survey"].text == "NPS 3"
    assert re.fullmatch(r"Tone −0\.\d\d, negative on a scale from −1 to \+1", found["tone_survey"].detail)


def test_the_indicators_link_opens_them_and_others_see_none(client, acme, globex, account):
    assert place_of("business.competitor_mentions_90d") == "?kind=Competitors#panel-evidence"
    assert place_of("satisfaction.text_sentiment_90d") == "?kind=Tone#panel-evidence"
    page = reverse("accounts:account", args=[acme.tenant.slug, account.pk])
    client.force_login(acme.csm.user)
    text = client.get(f"{page}?kind=Competitors").text
    assert text.count("Rivalco named in") == 2
    assert "NPS 3" not in text
    assert "hate" not in text  # never what was written
    with globex.here():
        assert timeline.entries(globex.tenant, account, group="Competitors")[0] == []
        assert timeline.entries(globex.tenant, account, group="Tone")[0] == []
