"""What a change is made of: parts that add up to it, and parts that name the right thing."""

from fractions import Fraction
from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import changes
from scoring.changes import ChanceDay, HealthDay, Policy, Reading

KEYS = ("usage.a", "usage.b", "engagement.c", "business.d", "outcomes.e")
OPTIONAL = frozenset({"outcomes.e"})
CURVE = ([0.0, 100.0], [0.0, 100.0])
STEEP = ([0.0, 50.0], [0.0, 100.0])


def policy(name="all v1", curve=CURVE, **values):
    return Policy(name, curves=dict.fromkeys(KEYS, curve), **values)


def day(values, weights, rule=None, override=None, health=None):
    """A day as the engine computes it, written apart from it: whole hundredths, weights renormalised."""
    rule = rule or policy()
    readings, top, bottom = {}, 0, 0
    for key, weight in zip(KEYS, weights, strict=True):
        value = values.get(key)
        score = None if value is None else changes.on_curve(value, rule.curves[key])
        readings[key] = Reading(weight, score, value, "" if value is not None else "not_yet")
        if score is None and rule.is_neutral and key not in OPTIONAL:
            score = 5000
        if score is not None:
            top, bottom = top + weight * score, bottom + weight
    found = (2 * top + bottom) // (2 * bottom) if bottom else None
    return HealthDay(found if health is None else health, rule, readings, override)


def told(change):
    return {(part.kind, part.key): part.amount for part in change.parts}


EVEN = (2500, 2500, 2500, 2500, 0)
FULL = dict.fromkeys(KEYS[:4], 60.0)


def split(first, last):
    return changes.health_change(first, last, optional=OPTIONAL)


def test_a_value_that_moved_is_the_only_part():
    change = split(day(FULL, EVEN), day(FULL | {"usage.a": 12.0}, EVEN))
    assert (change.before, change.after) == (6000, 4800)
    assert told(change) == {("values", "usage.a"): -1200}


def test_a_value_that_vanished_is_missing_data_and_not_a_value():
    rich = FULL | {"usage.a": 100.0}
    change = split(day(rich, EVEN), day({**rich, "usage.a": None}, EVEN))
    assert told(change) == {("missing", "usage.a"): -1000}  # 70 with it, 60 without


def test_another_weight_is_the_policys_measured_on_the_old_values():
    first = day(FULL | {"usage.a": 20.0}, EVEN)
    last = day(FULL | {"usage.a": 20.0}, (4000, 2000, 2000, 2000, 0), policy("all v2"))
    change = split(first, last)
    assert {kind for kind, _ in told(change)} == {"policy"}
    assert sum(told(change).values()) == -600  # 50 to 44


def test_values_are_measured_under_the_new_policy():
    first = day(FULL, EVEN)
    last = day(FULL | {"usage.a": 20.0}, EVEN, policy("all v2", STEEP))
    # the old 60 everywhere scores 100 on the steep curve; then one falls to 20, which scores 40 there
    change = split(first, last)
    assert change.of("policy") == 4000
    assert told(change)["values", "usage.a"] == -1500
    assert change.after - change.before == 2500


def test_another_window_counts_as_the_policys():
    first = day(FULL, EVEN, policy("all v1", windows={"usage.a": 30}))
    last = day(FULL | {"usage.a": 20.0}, EVEN, policy("all v2", windows={"usage.a": 60}))
    assert told(split(first, last)) == {("policy", "usage.a"): -1000}


def test_an_override_is_a_part_of_its_own():
    change = split(day(FULL, EVEN), day(FULL | {"usage.a": 20.0}, EVEN, override=7000))
    assert (change.before, change.after) == (6000, 7000)
    assert told(change) == {("values", "usage.a"): -1000, ("override", ""): 2000}


def test_a_figure_that_was_computed_another_way_says_so():
    change = split(day(FULL, EVEN, health=5990), day(FULL, EVEN))
    assert told(change) == {("computed", ""): 10}


def test_without_a_number_on_both_days_nothing_is_split():
    assert split(day({}, EVEN), day(FULL, EVEN)) is None


def test_hundredths_are_shared_whole():
    assert changes.shared([Fraction(1, 3)] * 3, 1) == [1, 0, 0]
    assert changes.shared([Fraction(-1, 3)] * 3, -1) == [0, 0, -1]
    assert changes.shared([Fraction(1, 2)], 2) == [2]
    assert changes.shared([], 0) == []


# any two days: values that move, come and go, weights, curves, missing rules, windows, overrides
VALUES = st.dictionaries(st.sampled_from(KEYS), st.none() | st.floats(-10, 110, width=32))
WEIGHTS = st.tuples(*[st.integers(0, 6000)] * len(KEYS))
POLICIES = st.builds(
    policy,
    st.sampled_from(["all v1", "all v2"]),
    st.sampled_from([CURVE, STEEP, ([5.0, 20.0, 90.0], [100.0, 30.0, 0.0])]),
    is_neutral=st.booleans(),
    windows=st.dictionaries(st.sampled_from(KEYS), st.sampled_from([30, 60])),
)
DAYS = st.builds(day, VALUES, WEIGHTS, POLICIES, st.none() | st.integers(0, 10_000))


@settings(max_examples=300, deadline=None)
@given(DAYS, DAYS)
def test_parts_of_health_add_up_to_the_last_digit(first, last):
    change = split(first, last)
    if first.health is None or last.health is None:
        assert change is None
        return
    assert change.before == first.shown
    assert change.after == last.shown
    assert change.before + sum(part.amount for part in change.parts) == change.after
    assert change.of("computed") == 0  # the days are computed as the split computes


# The chance of leaving

NAMES = (*KEYS, "contract.timing")


def chance(model="churn v1", base=-3.0, values=None, **parts):
    return ChanceDay(model, base, {"contract.timing": 0.0, **parts}, values or {})


def kinds(change):
    return {(part.kind, part.name): part.logit for part in change.parts}


def test_a_moved_value_a_vanished_one_and_the_time_are_kept_apart():
    first = chance(values={"a": 1.0, "b": 2.0, "c": 3.0}, a=0.5, b=0.25, c=0.1)
    last = chance(values={"a": 9.0, "b": None, "c": 3.0}, a=1.5, b=0.0, c=0.125, **{"contract.timing": 0.75})
    assert kinds(changes.chance_change(first, last)) == pytest.approx(
        {("values", "a"): 1.0, ("missing", "b"): -0.25, ("unmoved", ""): 0.025, ("timing", ""): 0.75}
    )


def test_between_two_models_what_did_not_move_is_the_models():
    first = chance(values={"a": 1.0, "b": 2.0}, a=0.5, b=0.25)
    last = chance("churn v2", -2.0, values={"a": 1.0, "b": 5.0, "d": 1.0}, a=0.75, b=1.25, d=0.5)
    assert kinds(changes.chance_change(first, last)) == pytest.approx(
        {("model", ""): 1.0 + 0.25 + 0.5, ("values", "b"): 1.0}
    )


PARTS = st.dictionaries(st.sampled_from(NAMES), st.floats(-4, 4))
KNOWN = st.dictionaries(st.sampled_from(KEYS), st.none() | st.sampled_from([1.0, 2.0]))
CHANCES = st.builds(ChanceDay, st.sampled_from(["churn v1", "churn v2"]), st.floats(-6, 2), PARTS, KNOWN)


@settings(max_examples=300, deadline=None)
@given(CHANCES, CHANCES)
def test_parts_of_a_chance_add_up(first, last):
    change = changes.chance_change(first, last)
    assert abs(fsum(part.logit for part in change.parts) - (last.logit - first.logit)) < 1e-9
    assert abs(fsum(part.points for part in change.parts) - 100 * (last.p - first.p)) < 1e-9 * 100
