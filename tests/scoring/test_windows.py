"""Windows of a tenant's own, indicators of later releases in drafts, names of competitors in the admin."""

from datetime import timedelta
from html import unescape
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse

from accounts import models
from scoring import pipeline, policies, policy_queries, queries, windows
from scoring.catalogue import INDICATORS
from scoring.exceptions import PolicyRefused
from scoring.models import HealthPolicy, PolicyIndicator
from scoring.panels import has_recent_survey
from scoring.sentiment.models import Competitor
from scoring.sentiment.reading import read_new
from tests.scoring.evidence import DAY, add, add_usage, ago, contact, rich, score, subscribe
from tests.scoring.finding import found, value
from tests.scoring.test_indicators_usage import use

pytestmark = pytest.mark.django_db
METRICS = (
    "active_users", "logins", "sessions", "core_events", "features_used", "api_calls", "errors", "data_gb",
)  # fmt: skip


@pytest.fixture
def account(acme):
    return acme.add_account()


def test_every_indicator_has_a_window_or_says_why_not():
    for each in INDICATORS:
        if each.has_window:
            assert each.no_window == "", each.key
            assert 7 <= each.shortest < each.longest <= 1095, each.key
            assert each.shortest <= each.window_days <= each.longest, each.key
            assert all(days % each.step == 0 for days in (each.shortest, each.window_days, each.longest)), (
                each.key
            )
            assert each.window_words.startswith(f"Window between {each.shortest} and {each.longest} days")
        else:
            assert len(each.no_window.split()) >= 5, each.key
            assert each.window_words == f"Has no window: {each.no_window}."
    assert len([each for each in INDICATORS if each.has_window]) == len(windows.DECLARED) >= 60


def test_the_documentation_has_the_windows_of_every_indicator():
    rows = {
        line.split("`")[1]: line.split(" | ")[-1].removesuffix(" |")
        for line in (Path(__file__).parents[2] / "docs" / "scoring.md").read_text().splitlines()
        if line.startswith("| `") and line.count(" | ") == 3
    }
    for each in INDICATORS:
        if each.has_window:
            steps = {1: "", 7: ", whole weeks"}.get(each.step, f", steps of {each.step}")
            assert rows[each.key] == f"{each.window_days} ({each.shortest} to {each.longest}{steps})"
        else:
            assert rows[each.key] == f"none: {each.no_window}"


@pytest.fixture
def busy(acme):
    """Two customers with a little of everything over two years, so that no two windows see the same."""
    accounts = [acme.add_account(name, customer_since=DAY - timedelta(days=300)) for name in ("Even", "Odd")]
    for number, account in enumerate(accounts):
        fill(acme, account, number)
    silent(acme, acme.add_account("Silent", customer_since=DAY - timedelta(days=500)))
    with acme.here():
        Competitor.objects.create(tenant=acme.tenant, name="Rivalo")
    read_new(acme.tenant)
    return accounts


def silent(world, account):
    """Nothing for 200 days but our own mails: what counts days since, or how long something is missing."""
    add_usage(world, account, first=260, last=200, core_events=5)
    sponsor = contact(world, account, "executive_sponsor", seniority="vp")
    add_activity(world, account, 200, "meeting", sponsor)
    for day in (100, 20, 5):
        add_activity(world, account, day, "email", None, direction="outbound")
    add_activity(world, account, 150, "note", None)
    add_activity(world, account, 140, "call", contact(world, account, "user"))
    add(world, account, models.Survey, kind="nps", score=3, responded_at=ago(200))
    for due, completed in ((450, None), (20, None), (60, 100)):
        done = {} if completed is None else {"completed_at": ago(completed)}
        add(world, account, models.Milestone, name="Step", stage="onboarding", due_at=ago(due), **done)


def fill(world, account, number):
    """Days grow by about a fifth, so that every window ends between two of them."""
    days = [1, 3, 5, 8, 12, 17, 23, 31, 43, 55, 71, 95, 120, 160, 220, 290, 400, 520, 700]
    days = [each + number for each in days]
    with world.here():
        for at, (first, last) in enumerate(pairwise([800, *reversed(days)])):
            usage = dict.fromkeys(METRICS, 10 + 7 * (at % 5) + at)
            add_usage(world, account, first=first - 1, last=last, **usage)
    champion = contact(world, account, "champion", seniority="director", department="IT")
    chief = contact(world, account, "executive_sponsor", seniority="c_level", department="Finance")
    contact(world, account, "champion", seniority="vp", departed_at=ago(100))
    for at, day in enumerate(days):
        who = None if at % 5 == 2 else champion if at in (0, 3, 4, 11) else chief
        for kind in (
            "meeting",
            "qbr",
            "training",
            "community_post",
            "docs_contribution",
            "conference_talk",
            "beta_program",
        ):
            add_activity(world, account, day, kind, who)
        for direction, hours in (("outbound", 9), ("inbound", 8 - at % 7), ("outbound", 0)):
            add_activity(world, account, day, "email", who, direction=direction, hours=hours)
        evidence_of(world, account, day, at)
    add_activity(world, account, 250, "call", contact(world, account, department="Sales"))
    for ended, started, arr in ((700, 800, 9000), (400, 700, 10000), (150, 400, 12000), (-100, 150, 15000)):
        subscribe(
            world, account, product="P", arr=str(arr), seats=arr // 90, started_at=ago(started),
            renewal=DAY - timedelta(days=ended),
        )  # fmt: skip
    add(
        world, account, models.Objective, name="Open", declared_at=ago(60), usage_metric="logins", baseline=0,
        target=100,
    )  # fmt: skip
    for feature, used in (
        ("Reports", range(40, 60)),
        ("Plans", range(150, 250)),
        ("Boards", range(1, 800, 2)),
        ("Search", range(100, 300)),
    ):
        use(world, account, feature, used)


def add_activity(world, account, day, kind, who, *, direction="", hours=0):
    ids = [who.external_id] if who and direction != "outbound" else []
    add(
        world, account, models.Activity, kind=kind, occurred_at=ago(day, hours=hours), direction=direction,
        contact_external_ids=ids, body="We love it" if day % 2 else "We hate Rivalo",
    )  # fmt: skip


def evidence_of(world, account, day, at):
    rating = 1 + (at * 7) % 5
    for _ in range(1 + at % 2):
        add(
            world, account, models.Ticket, opened_at=ago(day + 2 + at), escalated_at=ago(day + 1), closed_at=ago(day),
            first_response_at=ago(day + 2, hours=-30 if at % 3 else -1), csat=rating,
            subject="Rivalo is better" if at % 2 else "Great",
        )  # fmt: skip
    for kind in ("nps", "csat", "ces", "review"):
        add(
            world, account, models.Survey, kind=kind, score=rating, responded_at=ago(day + 8 * (kind == "nps")),
            comment="Awful" if at % 2 else "Wonderful",
        )  # fmt: skip
    for kind in ("layoffs", "leadership_change", "competitor_mention"):
        add(world, account, models.CompanyEvent, kind=kind, headline="News", published_at=ago(day))
    add(
        world, account, models.Invoice, issued_at=ago(day + 30), due_at=ago(day + 6),
        paid_at=ago(day + 6 - 30 * (at % 2)), amount=10, currency="USD",
    )  # fmt: skip
    add(world, account, models.Outcome, kind="downgraded", effective_at=ago(day))
    reached = {} if at % 2 else {"achieved_at": ago(day), "value_realized": 40 + at}
    add(
        world, account, models.Objective, name="Due", declared_at=ago(900), due_at=ago(day), expected_value=100,
        **reached,
    )  # fmt: skip
    for stage in ("onboarding", "adoption"):
        done = {} if at % 3 else {"completed_at": ago(day + 1)}
        add(world, account, models.Milestone, name="Step", stage=stage, due_at=ago(day), **done)


def test_each_window_changes_its_own_indicator_and_no_other(acme, busy):
    """Half of the windows are set at a time, so that any two are set apart once in either direction."""

    def read(own):
        values = pipeline.values_of_day(acme.tenant, as_of=DAY, windows=own)[1]
        return {each.key: values[:, at].tolist() for at, each in enumerate(INDICATORS)}

    def same(one, other):
        return np.array_equal(one, other, equal_nan=True)

    longest = {each.key: each.longest for each in INDICATORS if each.has_window}
    usual, changed = read({}), read(longest)
    for bit in range(len(longest).bit_length()):
        for side in (0, 1):
            own = {key: days for at, (key, days) in enumerate(longest.items()) if (at >> bit) % 2 == side}
            seen = read(own)
            wrong = [key for key in seen if not same(seen[key], (changed if key in own else usual)[key])]
            assert not wrong, wrong
    idle = {key for key in longest if same(changed[key], usual[key])}
    shortest = read({each.key: each.shortest for each in INDICATORS if each.key in idle})
    idle = [key for key in idle if same(shortest[key], usual[key])]
    assert not idle, idle


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


def test_who_has_no_window_cannot_have_one_and_a_wild_one_cannot_be():
    with pytest.raises(PolicyRefused, match="Renews by itself has no window: it looks at the terms"):
        policies.check_window("business.auto_renew", 30)
    with pytest.raises(
        PolicyRefused, match=r"between 7 and 730 days; 3 cannot be\. Leave it empty for the usual 90"
    ):
        policies.check_window("engagement.meetings_90d", 3)
    with pytest.raises(
        PolicyRefused, match="Uneven usage is between 28 and 364 days, in whole weeks; 30 cannot be"
    ):
        policies.check_window("usage.volatility", 30)
    with pytest.raises(PolicyRefused, match="in steps of 30"):
        policies.check_window("usage.level_of_best", 100)
    for key, days in (
        ("engagement.meetings_90d", 30),
        ("usage.volatility", 84),
        ("usage.level_of_best", 360),
    ):
        policies.check_window(key, days)


def test_the_admin_shows_windows_coverage_and_why_not_and_refuses_a_wild_one(acme, client):
    """Each indicator's line in a draft: what may be set, why nothing may, of how many it is known."""
    rich(acme)
    acme.add_account("Without anything")
    score(acme)
    with acme.here():
        policy = HealthPolicy.objects.get(state="published", segment="")
        draft = policies.draft_from(acme.tenant, policy_id=policy.pk, by=acme.actor("ops_admin"))
    client.force_login(acme.ops_admin.user)
    client.get(reverse("admin:acting_tenant"))
    address = reverse("admin:scoring_healthpolicy_change", args=[draft.pk])
    answer = client.get(address)
    page = unescape(answer.text)
    for each in INDICATORS:
        assert each.window_words in page, each.key
    assert "Known of 50% of the customers." in page
    formset = answer.context["inline_admin_formsets"][0].formset
    lines = {form.instance.indicator: form for form in formset.forms}
    assert {key for key, form in lines.items() if not form.fields["window_days"].disabled} == set(
        windows.DECLARED
    )
    data = {"_save": "Save"}
    for form in (answer.context["adminform"].form, formset.management_form, *formset.forms):
        data |= {field.html_name: "" if field.value() is None else field.value() for field in form}
    for form in formset.forms:
        curve = form["curve"]
        data[curve.html_name] = form.fields["curve"].prepare_value(curve.value())
        data[form["enabled"].html_name] = "on"
    wild = lines["usage.volatility"]["window_days"].html_name
    refused = client.post(address, data | {wild: "50"})
    assert refused.status_code == 200
    assert "between 28 and 364 days, in whole weeks; 50 cannot be" in unescape(refused.text)
    assert client.post(address, data | {wild: "84"}).status_code == 302
    with acme.here():
        kept = PolicyIndicator.objects.get(policy=draft, indicator="usage.volatility")
    assert kept.window_days == 84


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
