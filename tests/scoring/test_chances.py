"""Chances of leaving as a scoring run writes them: parts that add up, levels, and models that fail."""

import csv
import io
import math
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Invoice
from audit.models import AuditEvent
from scoring import exports, queries
from scoring.learning import registry
from scoring.models import ChurnModel, ShadowScore
from tenants.access import SYSTEM
from tests.scoring.evidence import DAY, add, ago, rich, score, subscribe
from tests.scoring.models_by_hand import BASE, by_hand, curve, register

pytestmark = pytest.mark.django_db

OVERDUE = "business.overdue_days"


def of_overdue(**kept):
    """Leaving depends on days overdue alone: nothing at 0, +2 of log-odds from 50 days on."""
    return by_hand(curve(OVERDUE, [0, 50], [0, 2], **kept))


def owing(world, days):
    account = rich(world, f"Owes for {days} days")
    add(
        world,
        account,
        Invoice,
        issued_at=ago(days + 30),
        due_at=ago(days),
        amount=Decimal(100),
        currency="USD",
    )
    return account


def standing(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def snapshot(world, account, day=DAY):
    with world.here():
        return queries.snapshot(world.tenant, account_id=account.pk, as_of=day)


def chance(logit_a_period, periods):
    """Worked out apart from the engine: 1 - (1 - hazard) to the power of the periods."""
    hazard = 1 / (1 + math.exp(-logit_a_period))
    return 1 - (1 - hazard) ** periods


def test_without_a_model_nothing_is_said(acme):
    account = rich(acme)
    run = score(acme)
    now, kept = standing(acme, account), snapshot(acme, account)
    assert (now.p90, now.risk_level, now.at_stake, now.chance_flags) == (None, "", None, [])
    assert (kept.p90, kept.model_version, kept.logit_parts) == (None, "", None)
    assert run.summary["chances"]["model"] == ""


def test_chances_are_those_of_the_formula(acme):
    account = owing(acme, 25)  # half way up the curve: +1 of log-odds
    model = register(acme, of_overdue())
    score(acme)
    now, kept = standing(acme, account), snapshot(acme, account)
    for found, periods in ((now.p30, 1), (now.p60, 2), (now.p90, 3)):
        assert float(found) == pytest.approx(chance(BASE + 1, periods), abs=1e-6)
    assert (kept.p30, kept.p60, kept.p90, kept.model_id) == (now.p30, now.p60, now.p90, model.pk)
    assert now.p90_low < now.p90 < now.p90_high
    assert len(kept.leaves) == 6
    assert kept.leaves == sorted(kept.leaves)
    assert now.at_stake == (Decimal(12000) * now.p90).quantize(Decimal("0.0001"))
    assert now.priority == pytest.approx(float(now.at_stake))


def test_the_parts_add_up_to_the_shown_chance(acme):
    account = owing(acme, 40)
    register(acme, of_overdue(usual=10))
    score(acme)
    kept = snapshot(acme, account)
    p = float(kept.p90)
    assert kept.logit_base + sum(kept.logit_parts) == pytest.approx(math.log(p / (1 - p)), abs=1e-9)


def test_reasons_are_words_with_value_usual_range_and_day(acme):
    for number in range(3):
        rich(acme, f"Pays {number}")
    account = owing(acme, 40)
    register(acme, of_overdue())
    score(acme)
    reason = standing(acme, account).chance_reasons[0]
    assert (reason["key"], reason["text"]) == (OVERDUE, "Oldest unpaid invoice is 40 days overdue")
    assert reason["usual"] == [0, 0]
    assert reason["day"] == str(DAY - timedelta(days=60))  # the newest invoice
    alone = 100 * (chance(BASE + 1.6, 3) - chance(BASE, 3))
    assert reason["points"] == pytest.approx(alone, abs=0.3)


def test_a_part_that_says_nothing_is_no_reason(acme):
    account = rich(acme)
    register(acme, of_overdue())
    score(acme)
    assert standing(acme, account).chance_reasons == []


def test_the_export_carries_chances_and_goes_by_what_is_at_stake(acme):
    small, large = owing(acme, 0), owing(acme, 50)
    register(acme, of_overdue())
    score(acme)
    out = io.StringIO()
    exports.write_rows(acme.tenant, as_of=DAY, out=out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["account_external_id"] for row in rows] == [large.external_id, small.external_id]
    first, kept = rows[0], standing(acme, large)
    assert first["p_churn_90"] == f"{kept.p90:.6f}"
    assert float(first["p_churn_30"]) <= float(first["p_churn_60"]) <= float(first["p_churn_90"])
    assert first["arr_at_stake_90"] == f"{12000 * kept.p90:.2f}"
    assert first["model_version"] == "churn v1"


def test_a_past_day_never_uses_a_later_model(acme):
    account = rich(acme)
    register(acme, of_overdue(), as_of=DAY - timedelta(days=10))
    score(acme, DAY - timedelta(days=11))
    assert snapshot(acme, account, DAY - timedelta(days=11)).p90 is None
    score(acme, DAY - timedelta(days=10))
    assert snapshot(acme, account, DAY - timedelta(days=10)).p90 is not None


def test_another_model_is_another_figure_of_the_same_day(acme):
    account = owing(acme, 25)
    register(acme, of_overdue())
    score(acme)
    assert score(acme).is_unchanged
    register(acme, by_hand(curve(OVERDUE, [0, 50], [0, 4])), as_of=date(2026, 9, 2))
    assert not score(acme).is_unchanged
    assert standing(acme, account).model_version == "churn v2"


def scribble(world, model):
    """A document changed behind the registry's back."""
    with world.here():
        ChurnModel.objects.filter(pk=model.pk).update(document={"format": 1, "curves": []})


def test_fault_47_a_corrupt_model_keeps_the_last_good_chances_flagged(acme):
    account = owing(acme, 25)
    model = register(acme, of_overdue())
    score(acme, DAY - timedelta(days=1))
    good = standing(acme, account)
    scribble(acme, model)
    run = score(acme)
    now = standing(acme, account)
    assert (now.as_of, now.p90, now.at_stake, now.priority) == (DAY, good.p90, good.at_stake, good.priority)
    assert now.chance_flags == ["model_unreadable"]
    assert snapshot(acme, account).p90 is None
    assert run.summary["chances"]["flags"] == ["model_unreadable"]


def test_fault_47_a_missing_model_keeps_the_last_good_chances_flagged(acme):
    account = owing(acme, 25)
    model = register(acme, of_overdue())
    score(acme, DAY - timedelta(days=1))
    good = standing(acme, account)
    with acme.here():
        ChurnModel.objects.filter(pk=model.pk).delete()
    score(acme)
    now = standing(acme, account)
    assert (now.p90, now.chance_flags) == (good.p90, ["model_missing"])


def test_a_model_that_was_taken_back_shows_nothing(acme):
    account = owing(acme, 25)
    register(acme, of_overdue())
    score(acme, DAY - timedelta(days=1))
    with acme.here():
        registry.take_back(acme.tenant, by=SYSTEM, why="drift")
    score(acme)
    now = standing(acme, account)
    assert (now.p90, now.risk_level, now.model_version, now.chance_flags) == (None, "", "", [])


def test_the_day_scored_again_after_a_version_was_taken_back_says_nothing_either(acme):
    account = owing(acme, 25)
    register(acme, of_overdue())
    score(acme)
    with acme.here():
        registry.take_back(acme.tenant, by=SYSTEM, why="drift")
    assert not score(acme).is_unchanged
    now, kept = standing(acme, account), snapshot(acme, account)
    assert (now.p90, now.risk_level, now.at_stake, now.chance_reasons) == (None, "", None, [])
    assert (kept.p90, kept.model_id) == (None, None)


def levels(world):
    with world.here():
        return [
            (event.diff["before"] and event.diff["before"]["risk_level"], event.diff["after"]["risk_level"])
            for event in AuditEvent.objects.filter(tenant=world.tenant, verb="scoring.risk_changed").order_by(
                "id"
            )
        ]


def at_level(base_p90):
    """A model in which everybody has this chance."""
    hazard = 1 - (1 - base_p90) ** (1 / 3)
    return by_hand(curve(OVERDUE, [0, 50], [0, 0]), base=math.log(hazard / (1 - hazard)))


def test_a_level_moves_at_once_beyond_the_margin_else_with_a_second_scoring(acme):
    account = rich(acme)
    steps = [
        (0.05, "low"),
        (0.11, "low"),
        (0.11, "medium"),
        (0.09, "medium"),
        (0.12, "medium"),
        (0.33, "high"),
    ]
    for number, (p90, expected) in enumerate(steps):
        day = DAY + timedelta(days=number)
        register(acme, at_level(p90), as_of=day)
        score(acme, day)
        assert standing(acme, account).risk_level == expected, (number, p90)
    assert levels(acme) == [("low", "medium"), ("medium", "high")]


@pytest.mark.parametrize(
    ("steps", "cut"),
    [
        ([(0.05, "low"), (0.301, "medium"), (0.301, "high")], "up over two cuts, barely over the second"),
        ([(0.20, "medium"), (0.601, "high"), (0.601, "critical")], "up over the two upper ones"),
        ([(0.45, "high"), (0.099, "medium"), (0.099, "low")], "down over two, barely under the lowest"),
        ([(0.05, "low"), (0.62, "critical")], "over all three by the margin, to the last millionth"),
        ([(0.05, "low"), (0.12, "medium")], "over one by the margin, to the last millionth"),
    ],
)
def test_the_margin_is_measured_at_each_cut_that_was_crossed(acme, steps, cut):
    account = rich(acme)
    for number, (p90, expected) in enumerate(steps):
        day = DAY + timedelta(days=number)
        register(acme, at_level(p90), as_of=day)
        score(acme, day)
        assert standing(acme, account).risk_level == expected, (cut, number, p90)


def test_the_same_day_again_is_no_second_scoring(acme):
    account = rich(acme)
    register(acme, at_level(0.05), as_of=DAY)
    score(acme)
    register(acme, at_level(0.11), as_of=DAY + timedelta(days=1))
    score(acme, DAY + timedelta(days=1))
    add(acme, account, Invoice, issued_at=ago(40), due_at=ago(10), amount=Decimal(1), currency="USD")
    score(acme, DAY + timedelta(days=1))
    now = standing(acme, account)
    assert (now.risk_level, now.risk_pending) == ("low", "medium")


def test_a_version_that_is_put_into_the_shadow_is_scored_the_same_day(acme):
    """Nothing that is shown differs, so the run would else count as unchanged and keep nothing of it."""
    account = owing(acme, 50)
    register(acme, of_overdue())
    score(acme)
    watched = register(acme, of_overdue(), promote=False)
    with acme.here():
        registry.shadow(acme.tenant, model_id=watched.pk, by=SYSTEM, why="a test")
    run, again = score(acme), score(acme)
    assert (run.is_unchanged, again.is_unchanged) == (False, True)
    with acme.here():
        rows = ShadowScore.objects.filter(tenant=acme.tenant, model_id=watched.pk)
        assert [(row.account_id, row.run_id) for row in rows] == [(account.pk, run.pk)]


def test_a_shadow_is_written_and_never_shown(acme):
    account = owing(acme, 25)
    shadow = register(acme, of_overdue(), promote=False)
    with acme.here():
        ChurnModel.objects.filter(pk=shadow.pk).update(state=ChurnModel.State.SHADOW)
    score(acme)
    with acme.here():
        kept = ShadowScore.objects.get(tenant=acme.tenant, account_id=account.pk)
    assert float(kept.p90) == pytest.approx(chance(BASE + 1, 3), abs=1e-6)
    assert standing(acme, account).p90 is None


def test_without_a_rate_nothing_is_at_stake_and_the_account_sorts_last(acme):
    account = acme.add_account()
    subscribe(acme, account, currency="EUR")
    register(acme, of_overdue())
    score(acme)
    now = standing(acme, account)
    assert (now.at_stake, now.priority) == (None, -1)
    assert now.p90 is not None


def test_chances_out_of_order_cannot_be_stored(acme):
    account = rich(acme)
    register(acme, of_overdue())
    score(acme)
    with (
        acme.here(),
        pytest.raises(Exception, match="snapshot_chances_in_order"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, band, coverage_pct, dimensions,"
            " indicators, reasons, policy_id, policy_version, p30, p60, p90, p90_low, p90_high, model_id, logit_base,"
            " logit_parts) SELECT tenant_id, account_id, as_of, run_id + 1000, 'unknown', 0, '{}', '{}', '[]', 1, '',"
            " .3, .2, .1, .1, .1, 1, 0, '{}' FROM scoring_health_snapshot WHERE account_id = %s",
            [account.pk],
        )


def test_a_version_that_comes_into_force_scores_the_newest_day_again_once(acme):
    from jobs.models import Job
    from scoring.learning import tasks

    rich(acme)
    score(acme)
    for _ in range(2):  # a redelivered job asks twice
        tasks.score_newest_again(acme.tenant, by=SYSTEM)
    with acme.here():
        waiting = Job.objects.for_tenant(acme.tenant).filter(kind="scoring.score")
        assert [job.args["as_of"] for job in waiting] == [str(DAY)]
