"""Beside each figure of a period stands that of the same days a year before, with its own denominator.

Four customers paid 1,000.00 each on 1 July 2025; one left on 10 August 2025, and nobody in the third quarter of 2026.
Of the three that stayed one pays 1,300.00 since October 2025. So, third quarters:

| figure | 2025 | 2026 | change |
| --- | --- | --- | --- |
| Logo churn | 1 of 4 | 0 of 3 | -25.0 points |
| GRR | 3,000 of 4,000 | 3,300 of 3,300 | +25.0 points |
| ARR at the start | 4,000.00 of 4 | 3,300.00 of 3 | -17.5 % |
"""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Outcome
from scoring.models import ScoreRun
from scoring.outcomes import figures, queries
from scoring.outcomes.periods import Period
from tests.outcomes.test_figures import KNOWN, QUARTER, term
from tests.outcomes.test_pages import rows_of
from tests.scoring.evidence import add

pytestmark = pytest.mark.django_db

SINCE = (2025, 1, 1)


@pytest.fixture
def world(acme, monkeypatch):
    monkeypatch.setattr(figures, "LEAST", 1)
    made = {
        name: acme.add_account(name, customer_since=date(2025, 1, 1))
        for name in ("Stay", "Same", "Grow", "Leave")
    }
    for name in ("Stay", "Same"):
        term(acme, made[name], "1000", since=SINCE)
    term(acme, made["Grow"], "1000", since=SINCE, until=(2025, 10, 1))
    term(acme, made["Grow"], "1300", since=(2025, 10, 1))
    term(acme, made["Leave"], "1000", since=SINCE, until=(2025, 8, 10))
    add(
        acme,
        made["Leave"],
        Outcome,
        kind="churned",
        effective_at=datetime(2025, 8, 10, tzinfo=UTC),
        reason="price",
    )
    with acme.here():
        ScoreRun.objects.create(tenant=acme.tenant, as_of=KNOWN, policy_versions={}, fingerprint="x")
    acme.made = made
    return acme


def tiles(world, role="executive", **chosen):
    with world.here():
        asked = queries.Asked(QUARTER, KNOWN, "segment", chosen)
        sums, _, before = queries.totals_beside_last_year(world.tenant, world.people[role], asked)
    found = figures.beside_last_year(figures.tiles(sums, {}, sees_arr=True), sums, before, sees_arr=True)
    return {each.figure.key: each for each in found}


def test_each_figure_stands_beside_that_of_a_year_ago(world):
    found = tiles(world)
    told = {key: (found[key].before.part, found[key].before.n) for key in ("churn", "grr", "start", "end")}
    assert told == {"churn": (1, 4), "grr": (3000, 4), "start": (4000, 4), "end": (3000, 3)}
    moved = {key: round(found[key].moved, 2) for key in told}
    assert moved == {"churn": -25.0, "grr": 25.0, "start": -17.5, "end": 10.0}


def test_what_is_of_now_or_had_nothing_to_count_has_no_figure(world):
    found = tiles(world)
    assert [key for key, each in found.items() if each.before is None] == ["risk", "stake", "nps"]


def test_a_small_denominator_of_then_is_no_figure_either(world, monkeypatch):
    monkeypatch.setattr(figures, "LEAST", 4)
    found = tiles(world)
    assert (found["churn"].state, found["churn"].before.n, found["churn"].moved) == ("few", 4, None)
    monkeypatch.setattr(figures, "LEAST", 5)
    assert tiles(world)["churn"].before is None


def test_accounts_without_a_rate_then_are_named(world):
    term(world, world.made["Same"], "500", since=SINCE, until=(2025, 9, 1), currency="EUR")
    found = tiles(world)
    assert (found["grr"].before.n, found["grr"].unrated_before, found["grr"].moved) == (3, 1, None)
    assert found["start"].moved is None  # 3,300 of three, 3,000 of three others
    assert round(found["churn"].moved, 2) == -25.0  # counts no money


def test_accounts_without_a_rate_now_are_no_change_either(world, client):
    term(world, world.made["Same"], "500", since=(2026, 1, 1), currency="EUR")
    start = tiles(world)["start"]
    assert (start.unrated, start.unrated_before, start.moved) == (1, 0, None)
    client.force_login(world.executive.user)
    text = client.get(world.url("outcomes/")).text
    tile = text[text.index('id="tile-start"') :]
    assert "so no change is told" in tile[: tile.index("</div>")]


def test_filters_hold_for_both(world):
    with world.here():
        type(world.made["Leave"]).objects.filter(pk=world.made["Leave"].pk).update(segment="enterprise")
    churn = tiles(world, segment="enterprise")["churn"]
    assert (churn.before.part, churn.before.n) == (1, 1)


def test_the_page_says_both_with_their_counts(world, client):
    client.force_login(world.executive.user)
    text = client.get(world.url("outcomes/")).text
    assert "A year ago: 1 Jul 2025 to 30 Sep 2025." in text
    for key, words in (
        ("churn", 'A year ago 25.0% (<b class="nowrap">−25.0 points</b>): 1 of 4 customers at the start'),
        ("start", 'A year ago $4k (<b class="nowrap">−17.5%</b>): 4 paying customers'),
        ("nps", "No figure a year ago"),
        ("risk", "No figure a year ago"),
    ):
        tile = text[text.index(f'id="tile-{key}"') :]
        assert words in " ".join(tile[: tile.index("</div>")].split()), key


def test_amounts_of_a_year_ago_are_as_covered_as_those_of_now(world, client):
    client.force_login(world.reviewer.user)
    text = client.get(world.url("outcomes/")).text
    assert "$" not in text[text.index('id="panels"') : text.index('id="h-bands"')]
    assert "1 of 4 customers at the start" in text


def test_the_file_has_them_too(world, client):
    client.force_login(world.executive.user)
    found = rows_of(client.post(world.url("outcomes.csv")))
    every = {row["figure"]: row for row in found if row["group"] == "All"}
    assert (every["churn"]["a_year_ago"], every["churn"]["count_a_year_ago"]) == ("0.25", "4")
    assert (every["nps"]["a_year_ago"], every["nps"]["count_a_year_ago"]) == ("", "")


def test_both_take_one_statement(world):
    with world.here(), CaptureQueriesContext(connection) as captured:
        queries.totals_beside_last_year(world.tenant, world.executive, queries.Asked(QUARTER, KNOWN))
    assert len([each for each in captured if "facts" in each["sql"]]) == len(captured) == 1


def test_the_year_before_a_leap_day():
    period = Period("custom", date(2024, 2, 29), date(2024, 3, 31))
    assert (period.year_ago.start, period.year_ago.end) == (date(2023, 2, 28), date(2023, 3, 31))
