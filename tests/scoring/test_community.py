"""Taking part in the community can only help, and nobody loses by not taking part."""

from decimal import Decimal

import pytest

from accounts import models
from scoring import pipeline, queries
from scoring.catalogue import BY_KEY
from tests.scoring.evidence import DAY, add, ago, rich

pytestmark = pytest.mark.django_db
KEYS = [each.key for each in BY_KEY.values() if each.group == "community"]


def standing(world, account, *, weight, rule):
    """Health, coverage and the engagement dimension under a policy that gives each community indicator this weight."""
    with world.here():
        policies = queries.published_policies(world.tenant)
    for policy in policies:
        policy.missing_rule = rule
        for row in policy.rows:
            if row.indicator in KEYS:
                row.weight = Decimal(weight)
    scored = pipeline.evaluate(world.tenant, as_of=DAY, policies=policies)
    at = scored.features.ids.tolist().index(account.pk)
    engagement = scored.breakdown(at).dimensions()["engagement"]
    return scored.health_of(at), int(scored.health.coverage[at]), engagement["coverage"], engagement["score"]


@pytest.mark.parametrize("rule", ["renormalise", "neutral"])
def test_it_can_only_help(acme, rule):
    account = rich(acme)
    assert len(KEYS) == 4
    without = standing(acme, account, weight=0, rule=rule)
    assert standing(acme, account, weight=20, rule=rule) == without  # not invited: nothing is lost
    add(acme, account, models.Activity, kind="beta_program", occurred_at=ago(20))
    health, coverage, _, score = standing(acme, account, weight=20, rule=rule)
    assert health > without[0]
    assert coverage >= without[1]
    assert score > without[3]


def test_more_is_never_worse_than_once():
    for key in KEYS:
        assert BY_KEY[key].optional
        assert BY_KEY[key].ys[-1] == 100
        assert (
            BY_KEY[key].xs[-1] == 1
        )  # once is all that can be had, so no activity can lower a weighted mean
