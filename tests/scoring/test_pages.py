"""The scores page and what the account page shows of health."""

import copy
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Ticket
from scoring import charts, panels, queries
from scoring.models import HealthPolicy, ScoreRun
from tests.scoring.evidence import DAY, add, ago, rich, score, subscribe

pytestmark = pytest.mark.django_db


def page(client, world, role, name, *args):
    client.force_login(world.people[role].user)
    return client.get(reverse(name, args=[world.tenant.slug, *args]))


def panel(client, world, account, key, role="csm"):
    return page(client, world, role, "accounts:panel", account.pk, key)


# The scores page


def test_before_the_first_run_it_says_when_scores_come(client, acme):
    text = page(client, acme, "manager", "scoring:scores").text
    assert "No scores yet" in text
    assert "Score now" in text


def test_it_shows_runs_sources_policies_and_coverage(client, acme):
    rich(acme)
    score(acme)
    score(acme)
    text = page(client, acme, "executive", "scoring:scores").text
    assert "As of 1 Oct 2026" in text
    assert "Same figures as before" in text
    assert "Product usage" in text
    assert "Not tracked" in text  # no company news
    assert "Active users per seat" in text
    assert "40 / 60 / 75" in text
    assert "All segments" in text
    assert (
        text.index("Active users per seat") < text.index("Calls and meetings") < text.index("Milestones late")
    )
    assert "Score now" not in text


def test_numbers_of_the_whole_workspace_are_for_those_who_see_it(client, acme):
    rich(acme)
    score(acme)
    assert "1 customers" in page(client, acme, "executive", "scoring:scores").text
    text = page(client, acme, "csm", "scoring:scores").text
    assert "customers</" not in text
    assert "Customers by band" not in text


def test_a_missing_rate_and_a_late_source_are_said(client, acme):
    account = rich(acme)
    subscribe(acme, account, arr="90000", currency="EUR")
    score(acme, DAY + timedelta(days=16))
    text = page(client, acme, "executive", "scoring:scores").text
    assert "No exchange rate: EUR." in text
    assert "late, newest 30 Sep" in text
    assert "Product usage late" in text  # the pill in the bar


def test_a_run_that_broke_off_is_shown_as_such(client, acme):
    rich(acme)
    score(acme)
    with acme.here():
        ScoreRun.objects.create(tenant=acme.tenant, as_of=DAY, policy_versions={}, fingerprint="")
    assert "Not finished" in page(client, acme, "executive", "scoring:scores").text


def test_the_page_costs_the_same_whatever_the_number_of_accounts(client, acme, query_count):
    rich(acme)
    score(acme)
    few = query_count(lambda: page(client, acme, "manager", "scoring:scores"))
    for number in range(4):
        rich(acme, f"More {number}")
    score(acme)
    client.logout()
    assert query_count(lambda: page(client, acme, "manager", "scoring:scores")) == few


def measured(client, query_count, address):
    """Queries of a page for somebody who is signed in already."""
    client.get(address)
    return query_count(lambda: client.get(address))


def test_pages_and_panels_keep_their_budget(client, acme, query_count):
    account = rich(acme)
    score(acme, DAY - timedelta(days=30))
    score(acme)
    client.force_login(acme.csm.user)
    assert measured(client, query_count, reverse("scoring:scores", args=["acme"])) <= 12
    spent = {
        key: measured(client, query_count, reverse("accounts:panel", args=["acme", account.pk, key]))
        for key in ("standing", "health", "history", "override")
    }
    frame = measured(client, query_count, reverse("accounts:panel", args=["acme", account.pk, "notes"])) - 1
    assert all(count - frame <= 6 for count in spent.values()), (spent, frame)


# Panels of the account page


def test_the_head_shows_health_renewal_and_money(client, acme):
    account = rich(acme)
    score(acme)
    text = page(client, acme, "csm", "accounts:account", account.pk).text
    assert 'id="panel-standing"' in text
    assert "1 Mar 2027" in text
    assert "in 151 days" in text
    assert "$12k" in text
    assert "Not yet calibrated" in text
    assert "$12k" not in panel(client, acme, account, "standing", role="support").text


def test_the_breakdown_adds_up(acme):
    account = rich(acme)
    score(acme, DAY - timedelta(days=30))
    for days in range(1, 9):
        add(acme, account, Ticket, opened_at=ago(days))
    score(acme)
    with acme.here():
        context = panels.health_context(acme.tenant, acme.csm, account)
    total, lines = context["sum"], context["lines"]
    assert total.before + total.change == total.now
    assert sum(line.effect for line in lines) == total.change < 0
    assert context["before_day"] == DAY - timedelta(days=30)
    points = [Decimal(str(each.found["points"])) for line in lines for each in line.indicators]
    assert sum(points) == context["standing"].health
    satisfaction = next(line for line in lines if line.label == "Satisfaction")
    assert satisfaction.change < 0 > satisfaction.effect
    assert all(line.driver for line in lines if line.score is not None and line.score < 100)
    assert "times the usual level" in satisfaction.driver


def test_the_breakdown_shows_every_indicator_and_why_one_is_missing(client, acme):
    account = rich(acme)
    score(acme)
    text = panel(client, acme, account, "health").text
    assert "Champion" in text
    assert "Not tracked" in text
    assert "No score 30 days earlier" in text
    assert "Policy all v1" in text


def test_an_account_without_data_says_so(client, acme):
    account = acme.add_account()
    score(acme)
    text = panel(client, acme, account, "health").text
    assert "Too little is known" in text
    assert "—" in panel(client, acme, account, "standing").text


def test_panels_of_a_prospect_say_that_there_is_nothing(client, acme):
    prospect = acme.add_account("Prospect", customer_since=None)
    assert "Prospects are not scored" in panel(client, acme, prospect, "standing").text
    for key, words in (
        ("health", "No score yet"),
        ("history", "No history yet"),
        ("override", "no score to override"),
    ):
        assert words in panel(client, acme, prospect, key).text


def test_a_dimension_that_only_the_older_policy_counted_still_adds_up(acme):
    account = rich(acme)
    score(acme, DAY - timedelta(days=30))
    with acme.here():
        policy = HealthPolicy.objects.for_tenant(acme.tenant).get()
        rows = queries.with_rows(acme.tenant, [policy])[0].rows
        for row in rows:
            if row.indicator.startswith("stakeholders."):
                row.enabled = False
                row.save()
    score(acme)
    with acme.here():
        context = panels.health_context(acme.tenant, acme.csm, account)
    assert "Stakeholders" in [line.label for line in context["lines"]]
    assert sum(line.effect for line in context["lines"]) == context["sum"].change


def test_the_history_shows_the_same_points_as_chart_and_table(client, acme):
    account = rich(acme)
    for weeks in (3, 2, 1):
        score(acme, DAY - timedelta(weeks=weeks))
    with acme.here():
        HealthPolicy.objects.for_tenant(acme.tenant).update(version=2)
    score(acme)
    with acme.here():
        context = panels.history_context(acme.tenant, acme.csm, account)
    series = context["figure"]["data"][0]
    assert series["x"] == [str(DAY - timedelta(weeks=weeks)) for weeks in (3, 2, 1, 0)]
    assert series["y"] == [float(point.health) for point in reversed(context["points"])]
    assert context["changes"] == [(DAY, "all v2")]
    text = panel(client, acme, account, "history").text
    assert "Policy all v2 counts since 1 Oct" in text
    assert "Show as table" in text


def test_the_figure_is_one_that_plotly_accepts(acme):
    import plotly.graph_objects as go

    account = rich(acme)
    score(acme, DAY - timedelta(days=9))
    score(acme)
    with acme.here():
        figure = panels.history_context(acme.tenant, acme.csm, account)["figure"]
    go.Figure(painted(copy.deepcopy(figure)))  # raises at a name or value that plotly does not know


def painted(part):
    """Token names as charts.js paints them, because plotly.py takes no CSS variables."""
    if isinstance(part, dict):
        return {name: "rgb(1, 2, 3)" if name == "color" else painted(value) for name, value in part.items()}
    return [painted(each) for each in part] if isinstance(part, list) else part


def test_long_histories_are_thinned_to_weeks():
    class Point:
        def __init__(self, day):
            self.as_of = day

    days = [Point(DAY - timedelta(days=each)) for each in range(399, -1, -1)]
    kept = panels.thinned(days)
    assert len(kept) <= panels.MOST_POINTS
    assert kept[-1].as_of == DAY
    assert [each.as_of for each in kept] == sorted({each.as_of for each in kept})
    assert kept[0].as_of <= days[7].as_of
    assert charts.policy_changes([]) == []


def test_other_tenants_scores_are_not_found(client, acme, globex):
    account = rich(globex)
    score(globex)
    client.force_login(acme.csm.user)
    for key in ("standing", "health", "history", "override"):
        assert client.get(reverse("accounts:panel", args=["acme", account.pk, key])).status_code == 404
    assert client.get(reverse("scoring:scores", args=["globex"])).status_code == 404
