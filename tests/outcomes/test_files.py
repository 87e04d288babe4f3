"""What leaves the outcomes pages as a file says all that the screen does: level, currency, bands, months, cuts."""

from decimal import Decimal

import pytest

from scoring.models import ScoreRun
from scoring.outcomes import services
from tests.outcomes.test_figures import health, world  # noqa: F401
from tests.outcomes.test_pages import here, rows_of  # noqa: F401

pytestmark = pytest.mark.django_db


def file(client, world, path, role="executive"):  # noqa: F811
    client.force_login(world.people[role].user)
    return rows_of(client.post(world.url(path)))


def test_figures_name_the_level_of_their_interval(here, client, monkeypatch):  # noqa: F811
    monkeypatch.setattr("scoring.outcomes.figures.LEAST", 1)
    stake = {"accounts": 1, "expected": 250.0, "common": 0.0, "intervals": {"80": [0.0, 600.0]}}
    with here.here():
        ScoreRun.objects.filter(tenant=here.tenant).update(summary={"chances": {"stake": stake}})
    health(
        here, here.made["Stay"], "at_risk", Decimal(1000), p90=Decimal("0.25"), p90_low=Decimal("0.1"),
        p90_high=Decimal("0.5"), at_stake=Decimal("250"),
    )  # fmt: skip
    found = file(client, here, "outcomes.csv")
    every = {row["figure"]: row for row in found if row["group"] == "All"}
    assert (every["churn"]["value"], every["churn"]["level"]) == ("0.142857", "95%")
    assert (every["stake"]["low"], every["stake"]["high"], every["stake"]["level"]) == ("0.0", "600.0", "80%")
    assert (every["end"]["low"], every["end"]["level"]) == ("", "")
    expected = every["risk_expected_to_leave"]
    assert (expected["value"], expected["low"], expected["high"], expected["level"], expected["count"]) == (
        "250.00", "0.0", "600.0", "80%", "1",
    )  # fmt: skip
    assert {row["currency"] for row in found} == {"USD"}


def test_bands_and_months_are_in_the_file_as_on_the_screen(here, client):  # noqa: F811
    health(here, here.made["Stay"], "at_risk", Decimal(1000))
    found = file(client, here, "outcomes.csv")
    now = {row["group"]: row["value"] for row in found if row["figure"] == "customers_now"}
    assert now == {"critical": "0", "at_risk": "1", "watch": "0", "healthy": "0", "unknown": "0"}
    assert not [row for row in found if row["figure"] == "customers_at_the_start"]  # nothing was scored then
    months = [row for row in found if row["by"] == "month"]
    assert len(months) == 24
    august = next(row for row in months if (row["group"], row["figure"]) == ("2026-08", "churn"))
    assert (august["numerator"], august["denominator"]) == ("1", "7")
    assert (august["from"], august["to"]) == ("2026-08-01", "2026-08-31")
    september = next(row for row in months if (row["group"], row["figure"]) == ("2026-09", "end"))
    assert (september["value"], september["currency"]) == ("8100.00", "USD")


def test_rows_with_amounts_name_the_currency_and_bounds_their_level(here, client):  # noqa: F811
    health(
        here, here.made["Stay"], "at_risk", Decimal(1000), p90=Decimal("0.25"), p90_low=Decimal("0.1"),
        p90_high=Decimal("0.5"), at_stake=Decimal("250"),
    )  # fmt: skip
    assert {row["currency"] for row in file(client, here, "outcomes/rows/export/?figure=end")} == {"USD"}
    (stake,) = file(client, here, "outcomes/rows/export/?figure=stake")
    assert (stake["stake_low"], stake["stake_high"], stake["level"]) == ("100.00", "500.00", "80%")
    assert "currency" not in file(client, here, "outcomes/rows/export/?figure=churn")[0]


def test_a_file_that_was_cut_says_so_in_its_last_line(here, client, monkeypatch):  # noqa: F811
    monkeypatch.setattr(services, "MOST_ROWS", 4)
    client.force_login(here.executive.user)
    lines = client.post(here.url("outcomes/rows/export/?figure=end")).text.splitlines()
    assert lines[-1] == "Only the first 4 of 6 rows are in this file. Filters make it smaller."
    assert len(lines) == 1 + 4 + 1
    assert "The file holds the first 4 of 6 rows." in client.get(here.url("outcomes/rows/?figure=end")).text
    whole = client.post(here.url("outcomes/rows/export/?figure=renewal")).text
    assert "Only the first" not in whole


def test_so_does_the_file_of_those_that_left(here, client, monkeypatch):  # noqa: F811
    monkeypatch.setattr(services, "MOST_ROWS", 0)
    client.force_login(here.executive.user)
    assert "Only the first 0 of 1 rows" in client.post(here.url("outcomes/lost/export/")).text
