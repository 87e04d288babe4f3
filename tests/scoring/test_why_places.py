"""Each indicator's link opens the rows that its value was made of, looked up on the linked page."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from accounts.models import (
    Activity,
    CompanyEvent,
    Contact,
    Invoice,
    Milestone,
    Objective,
    Outcome,
    Survey,
    Ticket,
)
from accounts.models.usage import UsageDay
from accounts.panels import panels
from scoring.catalogue import INDICATORS
from scoring.models import Competitor
from scoring.sentiment.reading import read_new
from scoring.why.sources import place_of
from scoring.why.usage import METRIC_OF
from tests.scoring.evidence import DAY, add, add_usage, ago, contact, rich, subscribe
from tests.scoring.readings import read

pytestmark = pytest.mark.django_db

# what must stand in the panel that the link of an indicator opens
MET, RATED, TONE, GOAL = "Call: Quarterly look", "CSAT 2 of 5: ticket", "Tone −0", "Fewer night shifts"
ROWS = {
    "engagement.last_two_way_contact": MET, "engagement.meetings_90d": MET, "engagement.inbound_share": "Reply to you",
    "engagement.reply_hours": "Reply to you", "engagement.unanswered": "Any news", "engagement.trainings_365d":
    "Training: Desk for all", "engagement.community_posts": "Post on boards", "engagement.docs_contributions":
    "Page on boards", "engagement.talks": "Talk on boards", "engagement.beta_programs": "Beta of boards",
    "satisfaction.nps_latest": "NPS 3", "satisfaction.nps_change": "NPS 3", "satisfaction.nps_silence": "NPS 3",
    "satisfaction.ces_180d": "CES 5", "satisfaction.answers_365d": "CES 5", "satisfaction.feedback_365d": "NPS 3",
    "satisfaction.csat_90d": RATED, "satisfaction.change": RATED, "satisfaction.ticket_spike": "Import fails",
    "satisfaction.open_escalations": "Import fails", "satisfaction.slow_replies": "Import fails",
    "satisfaction.escalations_90d": "Import fails", "satisfaction.backlog": "Import fails",
    "satisfaction.resolution_days": "Slow sign-in", "satisfaction.text_sentiment_90d": TONE,
    "satisfaction.comment_sentiment_180d": TONE, "business.overdue_days": "overdue",
    "business.late_payments": "overdue", "business.arrears_share": "overdue", "business.notice_given": "Notice given",
    "business.days_to_renewal": "1 Mar", "business.price_change": "Board", "business.discount": "Board",
    "business.seats_change": "100 seats", "business.auto_renew": "renews by itself", "business.contract_length":
    "1 Mar", "business.contract_value": "Board", "business.room_to_grow": "Board", "business.downgrades_365d":
    "Downgraded", "business.adverse_news_90d": "Two hundred leave", "business.layoffs_180d": "Two hundred leave",
    "business.leadership_change_180d": "Another chief", "business.competitor_news_180d": "Rivalco comes",
    "business.competitor_mentions_90d": "Rivalco named in", "stakeholders.champion_present": "Nobody Else",
    "stakeholders.champion_vulnerability": "Nils Berg left", "stakeholders.active_contacts": MET,
    "stakeholders.sponsor_contact_days": MET, "stakeholders.multi_threading": MET,
    "stakeholders.champion_strength": MET, "stakeholders.executive_depth": "Qbr: Half a year",
    "stakeholders.single_threaded": MET, "stakeholders.department_spread": MET,
    "outcomes.objectives_overdue": GOAL, "outcomes.objectives_reached": "First board", "outcomes.value_realised":
    "First board", "outcomes.objective_progress": GOAL, "outcomes.milestones_late": "Go live",
    "outcomes.onboarding_in_time": "Go live", "outcomes.onboarding_stuck_days": "Go live",
    "outcomes.time_to_first_value": "First board",
    **{key: f'<option value="{metric}" selected>' for key, metric in METRIC_OF.items()},
}  # fmt: skip


@pytest.fixture
def full(acme):
    """An account with a row of everything that an indicator reads; the newest contact is before the champion left."""
    account = rich(acme, usage=False)
    add_usage(acme, account, first=100, last=1, **dict.fromkeys(UsageDay.METRICS, 5))
    subscribe(acme, account, product="Board", auto_renew=True, list_arr=15_000, cancelled_at=ago(5))
    chief = contact(acme, account, "champion", name="Nobody Else", seniority="c_level", department="IT")
    contact(acme, account, "champion", name="Nils Berg", joined_at=ago(400), departed_at=ago(2))
    who = {"contact_external_ids": [chief.external_id]}
    for kind, subject, days, direction in (
        ("call", "Quarterly look", 4, ""), ("email", "Reply to you", 6, "inbound"),
        ("email", "Any news", 7, "outbound"),
        ("training", "Desk for all", 50, ""), ("community_post", "Post on boards", 30, "inbound"),
        ("docs_contribution", "Page on boards", 31, "inbound"), ("conference_talk", "Talk on boards", 32, "inbound"),
        ("beta_program", "Beta of boards", 33, "inbound"), ("qbr", "Half a year", 60, ""),
    ):  # fmt: skip
        add(
            acme,
            account,
            Activity,
            kind=kind,
            subject=subject,
            direction=direction,
            occurred_at=ago(days),
            **who,
        )
    add(
        acme,
        account,
        Ticket,
        opened_at=ago(12),
        escalated_at=ago(11),
        subject="Import fails",
        body="We hate this.",
    )
    add(
        acme,
        account,
        Ticket,
        opened_at=ago(30),
        closed_at=ago(25),
        csat=2,
        subject="Slow sign-in",
        body="Fine thanks.",
    )
    add(acme, account, Survey, kind="ces", score=5, responded_at=ago(8))
    add(acme, account, Survey, kind="nps", score=3, responded_at=ago(9), comment="Terrible, we hate it.")
    add(acme, account, Invoice, issued_at=ago(50), due_at=ago(20), amount=900, currency="USD")
    add(
        acme,
        account,
        Outcome,
        kind="downgraded",
        effective_at=ago(90),
        arr_before=9000,
        arr_after=8000,
        currency="USD",
    )
    for kind, headline, days in (
        ("layoffs", "Two hundred leave", 10), ("leadership_change", "Another chief", 20),
        ("competitor_mention", "Rivalco comes", 30),
    ):  # fmt: skip
        add(acme, account, CompanyEvent, kind=kind, headline=headline, published_at=ago(days))
    goal = {"declared_at": ago(200), "expected_value": 50_000}
    add(acme, account, Objective, name=GOAL, due_at=ago(10), usage_metric="core_events", target=900, **goal)
    add(acme, account, Objective, name="First board", achieved_at=ago(100), value_realized=40_000, **goal)
    add(acme, account, Milestone, name="Go live", stage="onboarding", due_at=ago(40))
    add(
        acme,
        account,
        Activity,
        kind="email",
        direction="inbound",
        body="We look at Rivalco.",
        occurred_at=ago(5),
    )
    with acme.here():
        Competitor.objects.create(tenant=acme.tenant, name="Rivalco")
    read_new(acme.tenant)
    return account


def opened(client, world, account, place):
    """The panel that the place leads to, at the address that the place gives."""
    parts = urlsplit(place)
    key, asked = parts.fragment.removeprefix("panel-"), parse_qs(parts.query)
    assert asked.get("panels") == ["all"] or set(panels[key].narrows[:1]) & set(asked), f"{place} is not open"
    page = reverse("accounts:panel", args=[world.tenant.slug, account.pk, key])
    return unescape(client.get(f"{page}?{parts.query}").text)


def test_every_indicators_link_opens_a_panel_with_its_rows(client, acme, full):
    client.force_login(acme.csm.user)
    assert set(ROWS) == {each.key for each in INDICATORS}
    found, lacking, panes = read(acme, full), [], {}
    for key, row in ROWS.items():
        ago_days = found[key].newest_ago
        place = place_of(key, None if ago_days < 0 else DAY - timedelta(days=ago_days))
        panes[place] = panes.get(place) or opened(client, acme, full, place)
        if row not in panes[place]:
            lacking.append((key, place, row))
    assert lacking == []


def test_a_rating_given_in_a_survey_is_there_beside_tickets_without_one(client, acme):
    account = rich(acme)
    add(acme, account, Ticket, opened_at=ago(3), closed_at=ago(2), subject="No answer asked")
    add(acme, account, Survey, kind="csat", score=1, responded_at=ago(1))
    client.force_login(acme.csm.user)
    text = opened(client, acme, account, place_of("satisfaction.csat_90d", DAY - timedelta(days=3)))
    assert "CSAT 1 of 5" in text
    assert "NPS 9 of 10" in text
    assert "No answer asked" not in text
    assert text.count("<time") == 4  # with two rated tickets, on the days they were closed
    plain = client.get(reverse("accounts:panel", args=[acme.tenant.slug, account.pk, "evidence"])).text
    assert "of 5: ticket" not in plain  # the tickets' own lines have it


def test_a_champion_who_left_has_a_place_among_many_people(client, acme, full):
    for number in range(14):
        contact(acme, full, name=f"User {number:02}")
    contact(acme, full, name="Plain Leaver", departed_at=ago(3))
    client.force_login(acme.csm.user)
    text = opened(client, acme, full, "?panels=all&kind=People#panel-people")
    names = re.findall(r"<b>(.*?)</b>", text)
    assert len(names) == 12
    assert names[-1] == "Nils Berg"  # who left comes last
    assert "Plain Leaver" not in names
    with acme.here():
        Contact.objects.filter(account=full, role="champion").exclude(name="Nils Berg").delete()
    assert "No champion" in opened(client, acme, full, "?panels=all&kind=People#panel-people")
