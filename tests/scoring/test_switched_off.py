"""An indicator that is switched off moves no chance: neither of a version learnt with it, nor of the next one."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from accounts import models
from scoring import queries, windows
from scoring.automation import holds
from scoring.catalogue import INDICATORS
from scoring.engine.churn.chances import chances, logit
from scoring.engine.churn.data import blank
from scoring.engine.churn.explain import explain
from scoring.engine.churn.model import without
from scoring.learning import landmarks, leakage, registry, samples, training, watching
from scoring.models import HealthPolicy, PolicyIndicator
from tests.learning.made_up import landmarks as made_up
from tests.scoring.automation.made import version
from tests.scoring.automation.test_drift import stack
from tests.scoring.churn import by_hand as rows_by_hand
from tests.scoring.evidence import DAY, add, ago, rich, score
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db
MEETINGS, OVERDUE = "engagement.meetings_90d", "business.overdue_days"


def switch_off(world, key):
    with world.here():
        policy = HealthPolicy.objects.get(segment="", state="published")
        changed = PolicyIndicator.objects.filter(policy=policy, indicator=key).update(enabled=False)
        assert changed == 1
        assert windows.off_in_force(world.tenant) == (key,)


def standing(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def of_two():
    return by_hand(curve(MEETINGS, [0, 10], [0, -2], missing=1.0), curve(OVERDUE, [0, 50], [0.25, 2.25]))


def test_a_version_goes_on_without_what_was_switched_off(acme):
    met, quiet = rich(acme, "met"), rich(acme, "quiet")
    for day in (5, 6, 7):
        add(acme, met, models.Activity, kind="meeting", occurred_at=ago(day))
    register(acme, of_two())
    score(acme)
    assert standing(acme, met).p90 < standing(acme, quiet).p90
    switch_off(acme, MEETINGS)
    score(acme)
    one, other = standing(acme, met), standing(acme, quiet)
    assert one.p90 == other.p90
    with acme.here():
        kept = queries.snapshot(acme.tenant, account_id=met.pk, as_of=DAY)
    assert kept.logit_parts[0] == 0
    p90 = float(one.p90)
    assert kept.logit_base + sum(kept.logit_parts) == pytest.approx(math.log(p90 / (1 - p90)), abs=1e-3)
    assert all(reason["key"] != MEETINGS for reason in one.chance_reasons)


def test_the_level_stays_that_of_the_usual_account_and_parts_add_up():
    fitted = of_two()
    some = without(fitted, {OVERDUE})
    some_rows = rows_by_hand.rows([[2, 40], [np.nan, np.nan]], names=(MEETINGS, OVERDUE))
    usual = rows_by_hand.rows([[2, 0], [np.nan, 0]], names=(MEETINGS, OVERDUE))
    np.testing.assert_allclose(chances(some, some_rows).p, chances(fitted, usual).p, atol=1e-15)
    found = explain(some, some_rows)
    at = found.names.index(OVERDUE)
    np.testing.assert_array_equal(found.parts[:, at], 0)
    np.testing.assert_allclose(
        found.base + found.parts.sum(axis=1), logit(chances(some, some_rows).p[:, 2]), atol=1e-9
    )
    assert without(fitted, ()) == fitted


def test_nothing_is_learnt_from_it_and_no_leak_is_seen_for_it(acme):
    account = rich(acme)
    add(acme, account, models.Activity, kind="call", occurred_at=ago(300))
    add(acme, account, models.Outcome, kind="renewed", effective_at=ago(190))
    switch_off(acme, MEETINGS)
    chosen, made = landmarks.gather(acme.tenant, as_of=DAY, said=lambda *_: None)
    at = made.names.index(MEETINGS)
    assert chosen.off == (MEETINGS,)
    assert np.isnan(made.x[:, at]).all()
    assert np.isfinite(made.x).any()
    again = leakage.read_again(acme.tenant, made, chosen.days[-1:], windows=chosen.windows, off=chosen.off)
    assert [row for row in again if row["tripped"]] == []


def off_of_source(world, source):
    with world.here():
        keys = [each.key for each in INDICATORS if source in each.sources]
        rows = PolicyIndicator.objects.filter(policy__state="published", policy__segment="")
        rows.filter(indicator__in=keys).update(enabled=False)


def test_a_source_of_what_is_switched_off_holds_and_marks_nothing(acme):
    rich(acme)
    register(acme, of_two())
    with acme.here():
        assert "invoices" in holds.needed_sources(acme.tenant)
    off_of_source(acme, "invoices")
    with acme.here():
        assert "invoices" not in holds.needed_sources(acme.tenant)
        assert "activities" in holds.needed_sources(acme.tenant)


def test_a_late_source_of_what_is_switched_off_flags_no_chance(acme):
    account = rich(acme)
    register(acme, of_two())
    with acme.here():
        models.Invoice.objects.update(issued_at=ago(300), due_at=ago(290), paid_at=ago(289))
    score(acme)
    assert "source_late:invoices" in standing(acme, account).chance_flags
    off_of_source(acme, "invoices")
    score(acme)
    assert "source_late:invoices" not in standing(acme, account).chance_flags


def test_drift_does_not_look_at_it_nor_at_a_score_that_knew_it(acme, monkeypatch):
    model = version(acme)
    fitted = registry.load_model(model)
    with acme.here():
        samples.keep(acme.tenant, model, fitted, stack(np.linspace(0, 10, 300)))
    monkeypatch.setattr(landmarks, "read", lambda tenant, *, day, windows=None: stack(np.full(300, 49.0)))
    before, _ = watching.drift_rows(acme.tenant, model, as_of=DAY)
    assert {f"psi.{OVERDUE}", "score"} <= {row["key"] for row in before if row["beyond"]}
    rich(acme)  # with a policy
    switch_off(acme, OVERDUE)
    after, remark = watching.drift_rows(acme.tenant, model, as_of=DAY)
    assert not [row["key"] for row in after if row["key"] == "score" or OVERDUE in row["key"]]
    assert "switched off" in remark


def test_the_version_in_force_is_compared_as_it_speaks_now(acme, monkeypatch):
    register(acme, by_hand(curve("usage.trend_30d", [0, 1], [0, 0.1], missing=4.0)), as_of=date(2026, 4, 1))
    chosen, made = made_up(accounts=150, days=12, level=-3.0)
    off = ("usage.trend_30d",)
    seen = []
    monkeypatch.setattr(training, "fit_final", lambda *args, **options: of_two())
    monkeypatch.setattr(
        training, "compare_pair", lambda rows, new, old, **options: seen.append(old) or {"horizons": {}}
    )
    training.against_champion(acme.tenant, replace(chosen, off=off), blank(made, off), "additive")
    assert seen[0].max() < 0.2  # not what it says to everybody without a value
