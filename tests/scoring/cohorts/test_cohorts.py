"""Curves by group: who is followed from when, figures by hand, what each reader is shown and what nobody is told."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import grants
from accounts.models import Account, Outcome
from audit.models import AuditEvent
from scoring.cohorts import charts, job, queries
from scoring.cohorts import figures as figures_of_page
from scoring.models import CohortReport, ScoreRun
from scoring.outcomes.queries import shown_name
from tests.scoring.cohorts.small_world import START, UNTIL, build, noon
from tests.scoring.evidence import subscribe
from tests.test_query_counts import FRAME, PAGE

pytestmark = pytest.mark.django_db


def silent(*_):
    pass


def work_out(world):
    return job.work_out(world.tenant, silent)


def figures(world, reach=""):
    with world.here():
        return CohortReport.objects.for_tenant(world.tenant).get(reach=reach).figures


def page(client, world, query="", role="executive"):
    client.force_login(world.people[role].user)
    return client.get(world.url(f"outcomes/cohorts/{query}"))


def by_name(found, kind):
    return {each["name"]: each for each in found["dimensions"][kind]["groups"]}


def test_curves_and_the_test_by_hand(acme):
    build(acme)
    work_out(acme)
    found = figures(acme)
    assert (found["from"], found["until"], found["n"], found["left"]) == (str(START), str(UNTIL), 60, 18)
    groups = by_name(found, "plan")
    assert set(groups) == {"pro", "basic"}  # twelve of "odd" are too few to be told of
    assert found["dimensions"]["plan"]["small"] == 1
    at = {each["day"]: each for each in groups["pro"]["at"]}
    assert set(at) == {90, 180}  # 273 days were seen
    # 23/24 x 22/23 x 21/22: nobody is censored in between
    assert (at[90]["still"], at[90]["at_risk"], at[90]["left"]) == (0.875, 22, 3)
    assert at[180]["still"] == 0.75
    assert {each["day"]: each["still"] for each in groups["basic"]["at"]} == {90: 0.75, 180: 0.5}
    test = found["dimensions"]["plan"]["test"]
    # of pro 24, 23, … 19 are at risk and of basic 24, 22, … 14, when three leave
    wanted = sum(3 * (24 - n) / (24 - n + 24 - 2 * n) for n in range(6))
    told = {each["name"]: each for each in test["cohorts"]}
    assert told["pro"]["expected"] == pytest.approx(wanted)
    assert (told["pro"]["observed"], told["basic"]["observed"]) == (6, 12)
    variance = sum(
        3 * (24 - n) * (24 - 2 * n) * (48 - 3 * n - 3) / ((48 - 3 * n) ** 2 * (48 - 3 * n - 1))
        for n in range(6)
    )
    assert test["chi_square"] == pytest.approx((6 - wanted) ** 2 / variance)
    assert (test["df"], test["questions"]) == (
        1,
        2,
    )  # size has one group, everybody is one to three years here
    industry = found["dimensions"]["industry"]["test"]
    smaller, larger = sorted((test["p"], industry["p"]))
    assert sorted((test["p_holm"], industry["p_holm"])) == pytest.approx([min(1, 2 * smaller), larger])


def test_somebody_is_followed_from_joining_and_grouped_as_on_that_day(acme):
    accounts = build(acme)
    late, gone, moved, foreign = (accounts[name] for name in ("odd0", "odd1", "odd2", "odd3"))
    with acme.here():
        Account.objects.filter(pk=late.pk).update(customer_since=UNTIL - timedelta(days=40))
        Account.objects.filter(pk=foreign.pk).update(customer_since=None)
        # left before leavings were looked at: nobody to follow
        Outcome.objects.create(
            tenant=acme.tenant,
            account=gone,
            external_id="x",
            kind="churned",
            effective_at=noon(date(2025, 6, 1)),
        )
        rows = {row[0]: row for row in queries.followed(acme.tenant, since=START, until=UNTIL)}
        assert gone.pk not in rows
        assert foreign.pk not in rows
        assert rows[late.pk][4:] == (0, 40, False)
        assert rows[accounts["pro0"].pk][4:] == ((START - date(2024, 6, 1)).days, 30, True)
        assert rows[moved.pk][3] == "odd"
    subscribe(acme, moved, arr="100", plan="small", started_at=noon(date(2025, 3, 1)))
    subscribe(
        acme, moved, arr="900", plan="large then", started_at=noon(date(2025, 3, 1)), renewal=date(2026, 6, 1)
    )
    subscribe(acme, moved, arr="9000", plan="larger now", started_at=noon(date(2026, 6, 1)))
    with acme.here():
        rows = {row[0]: row for row in queries.followed(acme.tenant, since=START, until=UNTIL)}
    assert rows[moved.pk][3] == "large then"


def test_a_scope_is_shown_its_own_accounts_and_nothing_of_others(client, acme, globex):
    """All of pro and one of basic are in the region: what is told must not move with what happens outside."""
    inside = {f"pro{n}": "EMEA" for n in range(24)} | {"basic0": "EMEA"}
    accounts = build(acme, regions=inside)
    build(globex)
    person = acme.executive
    with acme.here():
        type(person).objects.filter(pk=person.pk).update(regions=["EMEA"])
        person.refresh_from_db()
    text = page(client, acme).text
    assert "Not worked out yet for the accounts that you may see" in text  # nothing is computed by looking
    work_out(acme)
    work_out(globex)
    with acme.here():
        mine = queries.reach_of(person)
    before = figures(acme, mine)
    assert (before["n"], before["left"]) == (25, 7)
    assert set(by_name(before, "plan")) == {"pro"}
    text = page(client, acme).text
    assert "Covers all accounts in EMEA" in text
    assert "25 customers followed" in text
    assert "basic" not in text.replace("plotly-basic", "")
    with acme.here():  # somebody outside leaves: nothing moves
        Outcome.objects.create(
            tenant=acme.tenant, account=accounts["basic23"], external_id="new", kind="churned",
            effective_at=noon(date(2026, 8, 1)),
        )  # fmt: skip
    work_out(acme)
    assert figures(acme, mine) == before
    assert figures(acme)["left"] == 19
    with acme.here():  # another scope from now on: the old figures are not shown
        type(person).objects.filter(pk=person.pk).update(regions=["APAC"])
    assert "Not worked out yet for the accounts that you may see" in page(client, acme).text
    client.force_login(globex.executive.user)
    assert client.get(acme.url("outcomes/cohorts/")).status_code == 404
    assert "60 customers followed" in page(client, globex).text


def test_a_manager_reads_of_the_accounts_granted_to_the_team(client, acme):
    accounts = build(acme)
    with acme.here():
        grants.sync(acme.tenant, account_ids=[accounts[f"pro{n}"].pk for n in range(24)])
    work_out(acme)
    text = page(client, acme, role="manager").text
    assert "24 customers followed" in text
    assert "Covers the accounts that you may see" in text
    with acme.here():
        type(acme.manager).objects.filter(pk=acme.manager.pk).update(is_active=False)
    work_out(acme)
    with acme.here():
        assert not CohortReport.objects.for_tenant(acme.tenant).exclude(reach="").exists()


def test_the_page_tells_each_figure_with_its_count(client, acme):
    build(acme)
    work_out(acme)
    text = page(client, acme, "?by=plan").text
    assert "60 customers followed from 1 Jan 2026, or from joining, to 1 Oct 2026; 18 left" in text
    assert "with 1 degree of freedom" in text
    assert "after Holm&#x27;s correction for 2 questions" in text
    assert "22 at risk" in text
    assert "88%" in text
    assert "Not shown: 1 group with fewer than 20 customers hidden." in text
    assert "because" not in text.lower()
    assert 'data-chart="cohorts-chart"' in text
    size = page(client, acme, "?by=segment").text
    assert shown_name("segment", "smb") in size
    assert "Not tested" in size
    assert "Still there, by industry" in page(client, acme, "?by=nonsense&group=x").text


def test_figures_are_plain_data_that_plotly_takes_and_small_p_are_not_nothing():
    import plotly.graph_objects as go

    group = {
        "name": "a", "label": "R&D <b>", "n": 30, "left": 2, "ends": 200.0, "censored": [7.0, 98.0, 203.0][:2],
        "steps": [[10.0, 0.9, 0.8, 0.95], [90.0, 0.6, 0.5, 0.7]],
    }  # fmt: skip
    figure = charts.curves_figure([group], "a")
    upper, lower, line, marks = figure["data"]
    assert (line["x"], line["y"]) == ([0.0, 10.0, 90.0, 200.0], [100.0, 90.0, 60.0, 60.0])
    assert (upper["y"], lower["y"]) == ([100.0, 95.0, 70.0, 70.0], [100.0, 80.0, 50.0, 50.0])
    assert marks["y"] == [100.0, 60.0]  # on the curve at days 7 and 98
    assert line["name"] == "R&amp;D &lt;b> (n = 30)"
    assert figure["layout"]["yaxis"]["range"] == [50.0, 100.5]
    drawn = json.loads(json.dumps(figure).replace("--accent/16", "#eee").replace("--accent", "#123"))
    go.Figure(drawn)
    assert figures_of_page.short_ps({"p": 0.0000003, "p_holm": 0.0421}) == ["< 0.001", "0.042"]
    assert figures_of_page.short_ps(None) == []


def test_without_scores_outcomes_or_leavers_it_says_so(client, acme, globex):
    assert "No scores yet" in page(client, acme).text
    assert work_out(acme) == {"message": "Nothing was scored yet."}
    with acme.here():
        ScoreRun.objects.create(tenant=acme.tenant, as_of=UNTIL, policy_versions={}, fingerprint="x")
    work_out(acme)
    assert "Nothing to follow yet" in page(client, acme).text
    build(globex, leavers=False)
    work_out(globex)
    text = page(client, globex).text
    assert "Nobody was seen to leave." in text
    assert "nobody has left" in text
    assert "Not tested" in text


def test_the_export_holds_every_curve_and_is_on_record(client, acme):
    accounts = build(acme)
    with acme.here():
        Account.objects.filter(pk__in=[accounts[f"pro{n}"].pk for n in range(24)]).update(plan="=cmd()")
    work_out(acme)
    client.force_login(acme.executive.user)
    answer = client.post(reverse("scoring:cohorts_export", args=["acme"]))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    (found,) = [row for row in rows if (row["group"], row["day"]) == ("basic", "180")]
    assert (found["still_there"], found["at_risk"], found["left_by_then"], found["n"]) == (
        "0.5",
        "14",
        "12",
        "24",
    )
    (test,) = [row for row in rows if (row["table"], row["by"], row["group"]) == ("log-rank", "plan", "")]
    assert test["df"] == "1"
    assert "'=cmd()" in {row["group"] for row in rows}
    with acme.here():
        assert AuditEvent.objects.filter(verb="accounts.exported", object_id="cohorts").exists()
    client.force_login(acme.reviewer.user)
    assert client.post(reverse("scoring:cohorts_export", args=["acme"])).status_code == 403


def test_the_page_keeps_the_budget_of_statements_and_the_button_makes_one_job(client, acme):
    build(acme)
    work_out(acme)
    page(client, acme)
    with CaptureQueriesContext(connection) as captured:
        client.get(acme.url("outcomes/cohorts/"))
    asked = [each["sql"] for each in captured if not each["sql"].startswith(FRAME)]
    assert len(asked) <= PAGE, "\n".join(asked)
    client.force_login(acme.manager.user)
    address = reverse("scoring:cohorts_run", args=["acme"])
    assert client.post(address).url == client.post(address).url
    with acme.here():
        assert not job.is_there_anything_new(acme.tenant)
        ScoreRun.objects.create(
            tenant=acme.tenant, as_of=UNTIL + timedelta(days=1), policy_versions={}, fingerprint="x"
        )
        assert job.is_there_anything_new(acme.tenant)
    assert "Scored again since" in page(client, acme).text
