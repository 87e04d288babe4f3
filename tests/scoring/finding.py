"""What tests of indicators ask: the value of one indicator of one account, or why there is none."""

from scoring import pipeline
from tests.scoring.evidence import DAY


def found(world, account, key, day=DAY):
    """What was found for one indicator of one account, weight or not: value, missing, latest, text."""
    scored = pipeline.evaluate(world.tenant, as_of=day)
    at = scored.features.ids.tolist().index(account.pk)
    return next(each for each in scored.breakdown(at).everything() if each["key"] == key)


def value(world, account, key, day=DAY):
    return found(world, account, key, day)["value"]


def missing(world, account, key, day=DAY):
    answer = found(world, account, key, day)
    assert (answer["value"], answer["score"], answer["points"]) == (None, None, 0)
    return answer["missing"]
