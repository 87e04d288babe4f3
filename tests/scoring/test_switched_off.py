"""An indicator that is switched off moves no chance: neither of a version learnt with it, nor of the next one."""

import math

import numpy as np
import pytest

from accounts import models
from scoring import queries, windows
from scoring.engine.churn.chances import chances, logit
from scoring.engine.churn.data import blank
from scoring.engine.churn.explain import explain
from scoring.engine.churn.model import without
from scoring.learning import landmarks, leakage
from scoring.models import HealthPolicy, PolicyIndicator
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
    stack = rows_by_hand.rows([[2, 40], [np.nan, np.nan]], names=(MEETINGS, OVERDUE))
    usual = rows_by_hand.rows([[2, 0], [np.nan, 0]], names=(MEETINGS, OVERDUE))
    np.testing.assert_allclose(chances(some, stack).p, chances(fitted, usual).p, atol=1e-15)
    found = explain(some, stack)
    at = found.names.index(OVERDUE)
    np.testing.assert_array_equal(found.parts[:, at], 0)
    np.testing.assert_allclose(
        found.base + found.parts.sum(axis=1), logit(chances(some, stack).p[:, 2]), atol=1e-9
    )
    assert without(fitted, ()) == fitted


def test_nothing_is_learnt_from_it_and_no_leak_is_seen_for_it(acme):
    account = rich(acme)
    add(acme, account, models.Activity, kind="call", occurred_at=ago(300))
    add(acme, account, models.Outcome, kind="renewed", effective_at=ago(190))
    switch_off(acme, MEETINGS)
    chosen, stack = landmarks.gather(acme.tenant, as_of=DAY, said=lambda *_: None)
    at = stack.names.index(MEETINGS)
    assert chosen.off == (MEETINGS,)
    assert np.isnan(stack.x[:, at]).all()
    assert np.isfinite(blank(stack, ()).x).any()
    again = leakage.read_again(acme.tenant, stack, chosen.days[-1:], windows=chosen.windows, off=chosen.off)
    assert [row for row in again if row["tripped"]] == []
