"""The outcomes pages: what they say, to whom, and what leaves them as a file."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from audit.models import AuditEvent
from scoring.models import OutcomeTarget, ScoreRun
from scoring.outcomes import charts
from scoring.outcomes.figures import Step
from tests.outcomes.test_figures import KNOWN, world  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(world):  # noqa: F811
    """The small world, known up to 1 October, so that its last quarter is the third."""
    with world.here():
        ScoreRun.objects.create(
            tenant=world.tenant, as_of=KNOWN, policy_versions={}, fingerprint="x",
            summary={"sources": {"usage": {"accounts": 3, "latest": "2026-09-01", "late": True}}},
        )  # fmt: skip
    return world


def page(client, world, path, role="executive"):  # noqa: F811
    client.force_login(world.people[role].user)
    return client.get(world.url(path))


def test_the_page_shows_figures_definitions_counts_and_remarks(here, client):
    text = page(client, here, "outcomes/").text
    assert "1 Jul 2026 to 30 Sep 2026" in text
    assert "needs 30 customers at the start, has 7" in text
    assert "Gross retention (GRR)" in text
    assert "Growth does not make up for a loss." in text
    assert "$11,100" in text
    assert "No exchange rate for SEK" in text
    assert "Late at the last scoring: Product usage" in text
    assert "Not yet calibrated" in text
    assert 'id="trend"' in text


def test_the_panels_alone_keep_the_pages_address(here, client):
    answer = page(client, here, "outcomes/panels/?by=region&segment=smb")
    assert answer.headers["HX-Push-Url"] == "/t/acme/outcomes/?period=quarter&by=region&segment=smb"
    assert 'hx-get="/t/acme/outcomes/trend/?' in answer.text
    assert "By region" in answer.text


def test_a_reader_without_the_right_sees_no_money(here, client):
    text = page(client, here, "outcomes/", "reviewer").text
    assert "Not shown to your role" in text
    assert "11,100" not in text
    assert "8,100" not in text
    assert "h-waterfall" not in text
    for key in ("grr", "start", "risk", "open"):
        assert page(client, here, f"outcomes/rows/?figure={key}", "reviewer").status_code == 404
    assert page(client, here, "outcomes/rows/?figure=churn", "reviewer").status_code == 200
    lost = page(client, here, "outcomes/lost/", "reviewer").text
    assert "Leave" in lost
    assert "4,000" not in lost


def test_the_rows_page_shows_the_tiles_sum(here, client):
    text = page(client, here, "outcomes/rows/?figure=start").text
    assert "All 5 accounts" in text
    assert "$11,100" in text
    assert page(client, here, "outcomes/rows/?figure=nonsense").status_code == 404


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_export_of_rows_adds_up_to_the_tile_and_is_on_record(here, client):
    client.force_login(here.executive.user)
    answer = client.post(here.url("outcomes/rows/export/?figure=end"))
    found = rows_of(answer)
    assert sum(Decimal(row["end_arr"]) for row in found) == Decimal("8100.00")
    assert {row["account"] for row in found} == {"Stay", "Grow", "Shrink", "Euro", "New", "Back"}
    with here.here():
        event = AuditEvent.objects.get(verb="accounts.exported")
        assert (event.object_id, event.diff["after"]["rows"]) == ("end", 6)


def test_the_export_of_figures_is_what_the_screen_shows(here, client):
    client.force_login(here.executive.user)
    found = rows_of(client.post(here.url("outcomes.csv?by=segment")))
    every = {row["figure"]: row for row in found if row["group"] == "All"}
    assert (every["end"]["value"], every["churn"]["state"], every["churn"]["count"]) == (
        "8100.00",
        "few",
        "7",
    )
    assert next(row for row in found if row["figure"] == "churned")["value"] == "-4000.00"
    assert (
        sum(Decimal(row["value"]) for row in found if row["by"] == "segment" and row["figure"] == "end")
        == 8100
    )
    client.force_login(here.reviewer.user)
    assert client.post(here.url("outcomes.csv")).status_code == 403


def test_who_left_is_listed_with_its_cause_and_exported(here, client):
    text = page(client, here, "outcomes/lost/").text
    assert "Never flagged, data was missing" in text
    assert "notice 20 Jul 2026" in text
    found = rows_of(client.post(here.url("outcomes/lost/export/")))
    assert [(row["account"], row["arr"], row["days_of_warning"]) for row in found] == [
        ("Leave", "4000.00", "0")
    ]
    assert "matches these filters" in page(client, here, "outcomes/lost/?cause=no_play").text


def test_an_empty_workspace_and_nonsense_in_the_address_answer(acme, client):
    for path in ("outcomes/", "outcomes/lost/", "outcomes/rows/", "outcomes/trend/"):
        for query in (
            "",
            "?period=custom&since=x&until=2026-01-01",
            "?segment=nowhere&after=9999999999999999999",
        ):
            assert page(client, acme, path + query).status_code == 200, path + query
    assert "No customers in this period" in page(client, acme, "outcomes/").text


def test_an_admin_sets_a_target_and_takes_it_back(here, client):
    client.force_login(here.ops_admin.user)
    client.get(here.url("outcomes/"))
    with here.here():
        OutcomeTarget.objects.create(tenant=here.tenant, figure="end", target=Decimal("9000"))
    text = page(client, here, "outcomes/").text
    assert "Target missed: " in text
    assert "$9k" in text


def test_no_address_is_open_to_those_who_work_the_queue(here, client):
    for path in ("outcomes/", "outcomes/panels/", "outcomes/rows/?figure=churn", "outcomes/lost/"):
        assert page(client, here, path, "csm").status_code == 403


def test_the_waterfalls_bars_begin_where_the_last_ended():
    steps = [
        Step("start", "At the start", Decimal(100), True), Step("new", "New", Decimal(20)),
        Step("churned", "Left", Decimal(-50)), Step("end", "At the end", Decimal(70), True),
    ]  # fmt: skip
    hidden, seen = charts.waterfall_figure(steps)["data"]
    assert (hidden["y"], seen["y"]) == ([0.0, 100.0, 70.0, 0.0], [100.0, 20.0, 50.0, 70.0])


def test_plotly_takes_the_figures():
    import plotly.graph_objects as go

    from scoring.outcomes.queries import Month

    months = [Month(date(2026, 9, 1), date(2026, 10, 1), 7, 1, Decimal("8100.00"))]
    for figure in (charts.trend_figure(months), charts.arr_figure(months)):
        assert go.Figure(layout=figure["layout"])
