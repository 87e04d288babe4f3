"""What snapshots keep in arrays: layouts, and that whole columns say the same as one account after another."""

import json
from datetime import date

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import UsageDay
from scoring import pipeline, queries
from scoring.blocks import Before, Block
from scoring.breakdown import LAYOUT, LAYOUTS, Breakdown, half_up
from scoring.catalogue import INDICATORS
from tests.scoring.evidence import DAY, add_usage, rich, score, subscribe


def test_the_newest_layout_is_the_catalogue():
    assert LAYOUTS[LAYOUT] == tuple(each.key for each in INDICATORS)
    assert all(
        key.partition(".")[0] == each.dimension.value
        for key, each in zip(LAYOUTS[LAYOUT], INDICATORS, strict=True)
    )


def test_a_snapshot_of_the_first_layout_still_reads(acme):
    account = rich(acme)
    score(acme)
    first = LAYOUTS[1]
    assert len(first) == 23
    assert set(first) <= set(LAYOUTS[LAYOUT])
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
        now = snapshot.breakdown
        place = [LAYOUTS[LAYOUT].index(key) for key in first]
        columns = ("weights", "scores", "points", "lost", "values", "why", "newest_ago")
        as_of_then = Breakdown(DAY, 1, *([getattr(now, name)[at] for at in place] for name in columns))
    found = {each["key"]: each for each in as_of_then.indicators()}
    assert found == {each["key"]: each for each in snapshot.indicators if each["key"] in first}
    assert found["usage.trend_30d"]["text"] == "Usage as in the 60 days before"


def test_halves_go_up():
    assert [half_up(top, 2) for top in (1, 2, 3, 5)] == [1, 1, 2, 3]


def test_columns_say_what_each_account_says(acme):
    for name in ("First", "Second", "Third"):
        rich(acme, name)
    bare = acme.add_account("Bare")
    subscribe(acme, bare)
    scored = pipeline.evaluate(acme.tenant, as_of=DAY)
    block = Block(scored, 0, len(scored))
    dimensions, reasons = map(json.loads, block.dimensions()), map(json.loads, block.reasons())
    low = block.low(np.ones(len(scored), dtype=bool))
    for at, (subtotals, worst) in enumerate(zip(dimensions, reasons, strict=True)):
        alone = scored.breakdown(at)
        assert subtotals == alone.dimensions()
        by_key = {each["key"]: each for each in alone.indicators()}
        for reason in worst:
            each = by_key[reason["key"]]
            assert (reason["text"], reason["points_lost"], reason["day"]) == (
                each["text"],
                each["lost"],
                each["latest"],
            )
        told = json.loads(low[at])
        assert {each["key"] for each in told} == {
            key for key, each in by_key.items() if each["score"] is not None and each["score"] < 50
        }
        assert [each["score"] for each in told] == sorted(each["score"] for each in told)


def test_a_snapshot_reads_as_it_was_computed(acme):
    account = rich(acme)
    scored = pipeline.evaluate(acme.tenant, as_of=DAY)
    score(acme)
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
    at = scored.features.ids.tolist().index(account.pk)
    assert snapshot.indicators == scored.indicators(at)
    assert snapshot.dimensions == scored.breakdown(at).dimensions()


def test_a_snapshot_has_its_figures_or_the_old_words(acme):
    account = rich(acme)
    score(acme)
    values = [acme.tenant.pk, account.pk, DAY]
    with (
        acme.here(),
        pytest.raises(IntegrityError, match="snapshot_has_its_breakdown"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, health, band, coverage_pct,"
            " reasons, policy_id, policy_version, layout) VALUES (%s, %s, %s, 99, 50, 'watch', 9, '[]', 1, 'v', 1)",
            values,
        )


def test_an_indicator_that_is_gone_keeps_its_figures_without_words(monkeypatch):
    monkeypatch.setitem(LAYOUTS, 99, ("usage.gone",))
    one = Breakdown(date(2026, 5, 2), 99, [10], [4000], [400], [600], [3.5], [0], [1])
    (line,) = one.indicators()
    assert (line["score"], line["text"], line["latest"]) == (40.0, "", "2026-05-01")
    assert one.dimensions()["usage"]["lost"] == 6.0


def test_who_is_no_customer_between_two_who_are_is_left_out(acme):
    first = rich(acme, "First")
    prospect = acme.add_account("Prospect", customer_since=None)
    add_usage(acme, prospect, first=30, last=1, active_users=900)
    last = rich(acme, "Last")
    scored = pipeline.evaluate(acme.tenant, as_of=DAY)
    assert scored.features.ids.tolist() == [first.pk, last.pk]
    assert scored.values[0].tolist() == pytest.approx(scored.values[1].tolist(), nan_ok=True)


def test_an_absurd_count_is_capped_and_stops_nothing(acme):
    account = rich(acme)
    with acme.here():
        UsageDay.objects.filter(tenant=acme.tenant, account=account).update(active_users=1e300)
    scored = pipeline.evaluate(acme.tenant, as_of=DAY)
    assert scored.features.raw["usage.users_sum_30"][0] == pytest.approx(
        9e14 * scored.features.raw["usage.users_days_30"][0]
    )


def test_an_earlier_layout_is_no_news(acme):
    rich(acme)
    scored = pipeline.evaluate(acme.tenant, as_of=DAY)
    block = Block(scored, 0, 1)
    health, band = int(block.health[0]), block.bands[0]
    known = [(block.ids[0], health, band, None, None, None, "", "", DAY)]
    assert not Before(block, known).moved(block).any()
    assert (
        Before(block, [(block.ids[0], health + 200, band, None, None, None, "", "", DAY)]).moved(block).all()
    )
    other = [
        (
            block.ids[0],
            health,
            band,
            LAYOUT,
            block.weights[0].tolist(),
            [10_000] * len(INDICATORS),
            "",
            "",
            DAY,
        )
    ]
    assert Before(block, other).moved(block).all() == bool(block.is_low.any())
