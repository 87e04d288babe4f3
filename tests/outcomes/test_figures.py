"""The figures of a small world, each compared with a number computed by hand.

The period is the third quarter of 2026: 1 July to 30 September. In the tenant's currency (USD), EUR at 1.10 on 1 July
and 1.20 on 1 October:

| account | 1 July | 1 October | what happened |
| --- | --- | --- | --- |
| Stay | 1,000.00 | 1,000.00 | nothing |
| Grow | 2,000.00 | 2,500.00 | expansion 500.00 |
| Shrink | 3,000.00 | 2,400.00 | contraction -600.00 |
| Leave | 4,000.00 | 0 | left on 15 August: -4,000.00 |
| Euro | EUR 1,000 = 1,100.00 | EUR 1,000 = 1,200.00 | at the same rates nothing; rates +100.00 |
| New | 0 | 700.00 | customer since 1 August |
| Krona | SEK, no rate | SEK, no rate | left out, named |
| Back | 0, a customer without a term | 300.00 | counts as new |

At the start 1,000 + 2,000 + 3,000 + 4,000 + 1,100 = 11,100.00 of five accounts; new 700 + 300 = 1,000.00;
11,100 + 1,000 + 500 - 600 - 4,000 + 100 = 8,100.00 at the end. GRR = (1,000 + 2,000 + 2,400 + 1,100) / 11,100;
NRR = (1,000 + 2,500 + 2,400 + 1,100) / 11,100. Logo churn: 1 of 7 customers of 1 July (Krona and Back are two).
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.models import FxRate, Outcome, Survey
from scoring.models import AccountHealth
from scoring.outcomes import figures, notes, queries
from scoring.outcomes.periods import Period, period_of
from scoring.outcomes.words import BY_KEY
from tests.scoring.evidence import add, subscribe

pytestmark = pytest.mark.django_db

START, END, KNOWN = date(2026, 7, 1), date(2026, 10, 1), date(2026, 10, 1)
QUARTER = Period("quarter", START, END)


def at(year, month, day):
    return datetime(year, month, day, tzinfo=UTC)


def term(world, account, arr, *, since=(2026, 1, 1), until=(2027, 1, 1), **values):
    return subscribe(
        world, account, arr=arr, started_at=at(*since), renewal=date(*until), product="Core", **values
    )


def health(world, account, band, arr, **values):
    with world.here():
        return AccountHealth.objects.create(
            tenant=world.tenant, account=account, as_of=KNOWN, health=Decimal(50), band=band, coverage_pct=100,
            reasons=[], dimensions={}, run_id=1, policy_version="all v1", arr=arr, arr_reporting=arr, **values,
        )  # fmt: skip


@pytest.fixture
def world(acme):
    made = {}

    def customer(name, **values):
        made[name] = acme.add_account(name, segment=values.pop("segment", "smb"), **values)
        return made[name]

    with acme.here():
        for day, rate in ((START, "1.10"), (END, "1.20")):
            FxRate.objects.create(tenant=acme.tenant, currency="EUR", day=day, rate=Decimal(rate))
    term(acme, customer("Stay"), "1000")
    term(acme, customer("Grow", segment="enterprise"), "2000", until=(2026, 8, 1))
    term(acme, made["Grow"], "2500", since=(2026, 8, 1))
    term(acme, customer("Shrink"), "3000", until=(2026, 9, 1))
    term(acme, made["Shrink"], "2400", since=(2026, 9, 1))
    term(acme, customer("Leave"), "4000", until=(2026, 8, 15), cancelled_at=at(2026, 7, 20))
    add(acme, made["Leave"], Outcome, kind="churned", effective_at=at(2026, 8, 15), reason="price")
    term(acme, customer("Euro"), "1000", currency="EUR")
    term(acme, customer("New", customer_since=date(2026, 8, 1)), "700", since=(2026, 8, 1))
    term(acme, customer("Krona"), "9000", currency="SEK")
    term(acme, customer("Back"), "300", since=(2026, 9, 10))
    acme.made = made
    return acme


def sums_of(world, role="executive", by="segment", **chosen):
    with world.here():
        asked = queries.Asked(QUARTER, KNOWN, by, chosen)
        return queries.totals(world.tenant, world.people[role], asked)


def test_the_waterfall_adds_up_to_the_cent_and_is_the_one_of_the_table_above(world):
    sums, _ = sums_of(world)
    steps = {step.key: step.amount for step in figures.waterfall(sums)}
    assert steps == {
        "start": Decimal("11100.00"), "new": Decimal("1000.00"), "expansion": Decimal("500.00"),
        "contraction": Decimal("-600.00"), "churned": Decimal("-4000.00"), "rates": Decimal("100.00"),
        "end": Decimal("8100.00"),
    }  # fmt: skip
    assert sum(amount for key, amount in steps.items() if key != "end") == steps["end"]


def test_retention_is_that_of_the_closed_cohort(world):
    sums, _ = sums_of(world)
    assert sums["paying"] == 5
    assert (sums["kept_arr"], sums["stayed_arr"]) == (Decimal("6500.00"), Decimal("7000.00"))
    assert (sums["customers"], sums["has_left"]) == (7, 1)


def test_a_missing_rate_is_named_and_never_one_to_one(world):
    sums, _ = sums_of(world)
    assert sums["missing_rates"] == ["SEK"]
    assert sums["unrated"] == 1
    asked = queries.Asked(QUARTER, KNOWN)
    said = notes.cares(sums, asked, None, world.executive, sees_arr=True)
    assert any("No exchange rate for SEK" in care.text and "1 accounts" in care.text for care in said)


def test_renewals_count_terms_that_are_decided(world):
    """Due in the quarter: Grow, Shrink and an older term of Stay renewed, Leave not. A monthly one rolls on."""
    term(world, world.made["Stay"], "50", until=(2026, 9, 20), since=(2025, 9, 20))
    term(world, world.made["Stay"], "10", until=(2026, 9, 2), since=(2026, 8, 2))
    sums, _ = sums_of(world)
    assert (sums["renewed"], sums["not_renewed"], sums["decided"]) == (3, 1, 4)
    assert sums["open_terms"] == 0


def test_a_term_that_ran_out_without_a_word_is_open(world):
    add_on = subscribe(
        world,
        world.made["Stay"],
        arr="60",
        started_at=at(2025, 9, 1),
        renewal=date(2026, 9, 1),
        product="Extra",
    )
    sums, _ = sums_of(world)
    assert (sums["open_terms"], sums["open_arr"]) == (1, Decimal("60.00"))
    with world.here():
        Outcome.objects.create(
            tenant=world.tenant, account=world.made["Stay"], external_id="O-gone", kind="downgraded",
            subscription_external_id=add_on.external_id, arr_after=0, effective_at=at(2026, 9, 1),
        )  # fmt: skip
    sums, _ = sums_of(world)
    assert (sums["open_terms"], sums["not_renewed"]) == (0, 2)


def test_nps_takes_the_last_answer_of_each_person(world):
    account = world.made["Stay"]
    for score, day, who in ((3, 5, "P-1"), (9, 20, "P-1"), (6, 8, "P-2"), (10, 9, ""), (8, 10, "")):
        add(
            world, account, Survey, kind="nps", score=score, contact_external_id=who,
            responded_at=at(2026, 7, day),
        )  # fmt: skip
    add(world, account, Survey, kind="nps", score=0, contact_external_id="P-3", responded_at=at(2026, 10, 1))
    sums, _ = sums_of(world)
    assert (sums["answers"], sums["promoters"], sums["detractors"], sums["net"]) == (4, 2, 1, 1)


def test_at_risk_follows_the_band_of_a_persons_number(world):
    health(world, world.made["Stay"], "at_risk", Decimal("1000"))
    health(world, world.made["Grow"], "critical", Decimal("2500"), override_band="healthy")
    health(world, world.made["Shrink"], "healthy", Decimal("2400"), override_band="critical")
    sums, _ = sums_of(world)
    assert (sums["risk_arr"], sums["at_risk"]) == (Decimal("3400.00"), 2)
    assert (sums["now_critical"], sums["now_at_risk"], sums["now_healthy"]) == (1, 1, 1)


def test_at_stake_is_shown_where_there_is_a_chance(world):
    health(
        world, world.made["Stay"], "at_risk", Decimal("1000"), p30=Decimal("0.1"), p60=Decimal("0.2"),
        p90=Decimal("0.25"), p90_low=Decimal("0.1"), p90_high=Decimal("0.4"), at_stake=Decimal("250"),
    )  # fmt: skip
    health(world, world.made["Grow"], "healthy", Decimal("2500"))
    sums, _ = sums_of(world)
    found = figures.tile(BY_KEY["stake"], sums, None, sees_arr=True)
    assert (found.value, found.n, found.low) == (Decimal("250.00"), 1, None)  # no run told the shock
    told = {"accounts": 2, "expected": 900.0, "common": 0.0, "intervals": {}}
    found = figures.tile(BY_KEY["stake"], sums | {"told": told}, None, sees_arr=True)
    assert (found.low, found.high) == (
        0.0,
        pytest.approx(250 + 1.2815515655446004 * (1000**2 * 0.25 * 0.75) ** 0.5),
    )
    of_it = figures.tile(BY_KEY["risk"], sums | {"told": told}, None, sees_arr=True).stake
    assert (of_it.value, of_it.n, of_it.high) == (found.value, 1, found.high)


def test_the_rows_behind_each_figure_add_up_to_it(world):
    health(world, world.made["Stay"], "at_risk", Decimal("1000"))
    sums, _ = sums_of(world)
    asked = queries.Asked(QUARTER, KNOWN)
    with world.here():
        for key, behind in figures.BEHIND.items():
            found = queries.rows(
                world.tenant, world.executive, asked, where=behind.where, order=behind.order,
                summed=behind.summed, limit=100,
            )  # fmt: skip
            for name in behind.summed:
                if name != "now_arr":
                    assert found.sums[name] == sums[name], (key, name)
                added = sum(row[name] for row in found.rows if row[name] is not None)
                assert found.sums[name] == added, (key, name)


def test_pages_of_rows_follow_each_other_and_keep_their_sums(world):
    asked, behind = queries.Asked(QUARTER, KNOWN), figures.BEHIND["start"]
    names, after = [], None
    with world.here():
        for _ in range(3):
            page = queries.rows(
                world.tenant, world.executive, asked, where=behind.where, order=behind.order,
                summed=behind.summed, after=after, limit=2,
            )  # fmt: skip
            assert page.sums == {"start_arr": Decimal("11100.00")}
            assert (page.first, page.total) == (len(names) + 1, 5)
            names += [row["name"] for row in page.rows]
            after = page.older
    assert names == ["Leave", "Shrink", "Grow", "Euro", "Stay"]
    assert after is None


def test_groups_and_filters_split_the_same_sums(world):
    sums, groups = sums_of(world)
    by_name = {group["name"]: group for group in groups}
    assert by_name["enterprise"]["end_arr"] == Decimal("2500.00")
    assert sum(group["end_arr"] for group in groups) == sums["end_arr"]
    only, _ = sums_of(world, segment="enterprise")
    assert only["end_arr"] == Decimal("2500.00")


def test_a_scoped_viewer_counts_what_may_be_seen_and_is_told(world):
    world.reviewer.segments = ["enterprise"]
    sums, _ = sums_of(world, "reviewer")
    assert sums["customers"] == 1
    said = notes.cares(sums, queries.Asked(QUARTER, KNOWN), None, world.reviewer, sees_arr=False)
    assert any("cover all accounts in enterprise, not the whole workspace" in care.text for care in said)


def test_the_trend_has_each_month_by_itself(world):
    with world.here():
        months = queries.trend(world.tenant, world.executive, queries.Asked(QUARTER, KNOWN))
    assert len(months) == 12
    found = {month.first.month: month for month in months}
    assert (found[8].customers, found[8].left) == (7, 1)
    assert found[9].arr == Decimal("8100.00")
    assert (found[7].left, found[9].left) == (0, 0)


# --- shown or not --------------------------------------------------------------------------------


def test_few_accounts_show_no_rate(world):
    sums, _ = sums_of(world)
    tile = figures.tile(BY_KEY["churn"], sums, Decimal(5), sees_arr=True)
    assert (tile.state, tile.value, tile.n, tile.met) == ("few", None, 7, None)
    assert figures.tile(BY_KEY["end"], sums, None, sees_arr=True).value == Decimal("8100.00")


def test_thirty_accounts_show_a_rate_with_its_interval_and_target():
    sums = {"has_left": 3, "customers": 30}
    tile = figures.tile(BY_KEY["churn"], sums, Decimal(5), sees_arr=False)
    assert tile.value == 0.1
    # Wilson: (0.1 + z²/60) / (1 + z²/30) -+ …, with z² = 3.8415
    assert (round(tile.low, 4), round(tile.high, 4)) == (0.0346, 0.2562)
    assert tile.met is False
    assert figures.tile(BY_KEY["churn"], sums, Decimal(10), sees_arr=False).met is True


def test_money_is_covered_without_the_right_to_see_it(world):
    sums, _ = sums_of(world)
    covered = [tile.figure.key for tile in figures.tiles(sums, {}, sees_arr=False) if tile.state == "covered"]
    assert covered == ["grr", "nrr", "start", "end", "risk", "stake"]


@pytest.mark.parametrize(
    ("key", "known", "first", "end"),
    [
        ("quarter", date(2026, 11, 22), date(2026, 7, 1), date(2026, 10, 1)),
        ("quarter", date(2026, 1, 1), date(2025, 10, 1), date(2026, 1, 1)),
        ("month", date(2026, 1, 15), date(2025, 12, 1), date(2026, 1, 1)),
        ("year", date(2026, 11, 22), date(2025, 11, 1), date(2026, 11, 1)),
        ("running", date(2026, 11, 22), date(2026, 10, 1), date(2026, 11, 22)),
        ("running", date(2026, 10, 1), date(2026, 7, 1), date(2026, 10, 1)),
        ("nonsense", date(2026, 11, 22), date(2026, 7, 1), date(2026, 10, 1)),
    ],
)
def test_periods(key, known, first, end):
    found = period_of(key, known=known)
    assert (found.start, found.end) == (first, end)


def test_chosen_days_end_with_what_is_known():
    found = period_of("custom", known=KNOWN, since=date(2026, 9, 1), until=date(2026, 12, 31))
    assert (found.start, found.end, found.query["until"]) == (date(2026, 9, 1), KNOWN, "2026-09-30")
    backwards = period_of("custom", known=KNOWN, since=date(2026, 9, 9), until=date(2026, 9, 1))
    assert backwards.key == "quarter"
