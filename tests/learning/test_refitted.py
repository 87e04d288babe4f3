"""After later rows have judged a fit, they teach it as well; what they chose stays."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.engine.churn.calibrate import calibrate
from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import Stack, leavers, take
from scoring.engine.churn.document import to_document
from scoring.engine.churn.fit import FEW, Options, fit
from scoring.engine.churn.model import Calibration
from scoring.engine.validation import known_at
from scoring.learning import recipes
from scoring.learning.observations import joined
from scoring.learning.recipes import ENSEMBLE, refitted
from tests.scoring.churn.truth import START, STEP, World, draw

OPTIONS = Options(seed=1)
CUT = START + 9 * STEP


@pytest.fixture(scope="module")
def everything() -> Stack:
    return draw(World(accounts=500, seed=4))


@pytest.fixture(scope="module")
def judged(everything):
    train = known_at(take(everything, everything.day < CUT), CUT)
    return calibrate(fit(train, options=OPTIONS), take(everything, everything.day >= CUT))


def test_all_rows_teach_what_later_ones_have_chosen(everything, judged):
    made = refitted("additive", judged, everything, take(everything, everything.day >= CUT), OPTIONS)
    assert made.facts["leavers"] > 1.3 * judged.facts["leavers"]
    assert made.facts["judged_on"] == judged.facts["rows"] < made.facts["rows"]
    assert (made.facts["penalty"], made.facts["own_penalty"]) == (
        judged.facts["penalty"],
        judged.facts["own_penalty"],
    )
    assert made.calibration.method == judged.calibration.method


def test_the_choices_stay_whatever_side_of_few_the_leavers_are_on_now(everything, judged):
    few = replace(judged, facts=dict(judged.facts) | {"few": True, "early": ["usage.f0"]})
    made = refitted("additive", few, everything, everything, OPTIONS)
    assert made.facts["leavers"] > 100
    assert all(len(curve.xs) <= 3 for curve in made.curves)
    assert made.facts["early"] == ["usage.f0"]
    assert [curve.name for curve in made.curves if curve.early is not None] == ["usage.f0"]


def test_the_level_is_found_anew_where_more_leave_than_before():
    """The rate doubles at the cut: the judged fit is moved by its map, the refitted one has half of it learnt."""
    old = draw(World(accounts=1500, seed=6, level=-4.6, signal=0.5, renewal=0.0))
    new = draw(World(accounts=1500, seed=7, level=-3.9, signal=0.5, renewal=0.0))
    early, later = take(old, old.day < CUT), take(new, new.day >= CUT)
    judged = calibrate(fit(known_at(early, CUT), options=OPTIONS), later)
    assert judged.calibration.method in ("intercept", "both")
    made = refitted("additive", judged, joined([early, later]), later, OPTIONS)
    closed = take(later, later.seen_for >= 90)
    assert chances(made, closed).p[:, 2].mean() == pytest.approx((closed.leaves_in < 90).mean(), rel=0.15)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Calibration("both", -0.2, 0.7, {}), ("both", 0.7)),
        (Calibration("both", 0.6, 1.4, {}), ("intercept", 1.0)),
        (Calibration("none", facts={}), ("none", 1.0)),
    ],
)
def test_a_map_that_steepens_is_taken_for_its_level_alone(everything, judged, given, kept):
    later = take(everything, everything.day >= CUT)
    made = refitted("additive", replace(judged, calibration=given), everything, later, OPTIONS)
    assert (made.calibration.method, made.calibration.slope) == kept
    assert abs(made.calibration.intercept) < 1.5  # a slope of .7 alone would lift everybody by about 1.3


def test_the_base_rate_and_the_ensemble_stay_as_they_were_judged(everything, judged):
    flat = replace(judged, calibration=Calibration("base_rate", 0.1, 0.0))
    assert refitted("additive", flat, everything, everything, OPTIONS) is flat
    assert refitted(ENSEMBLE, judged, everything, everything, OPTIONS) is judged


def test_a_fit_that_fails_leaves_the_judged_one(everything, judged):
    nobody = replace(everything, leaves_in=np.full(len(everything), np.inf))
    made = refitted("additive", judged, nobody, everything, OPTIONS)
    assert made.curves is judged.curves
    assert "nobody is seen to leave" in made.facts["refit_failed"]


def test_with_choices_given_both_fits_stand_side_by_side_and_say_the_same(everything):
    train = known_at(take(everything, everything.day < CUT), CUT)
    later = take(everything, everything.day >= CUT)
    given = replace(OPTIONS, penalty=30.0, own_penalty=0.0, early_names=())
    beside = recipes.final("additive", train, later, everything, given)
    few = leavers(train) < FEW
    made, failed = recipes.fit_all(["additive"], train, later, lambda _: replace(given, few=few))
    assert failed == {}
    in_turn = refitted("additive", made["additive"], everything, later, given)
    assert to_document(beside) == to_document(in_turn)
