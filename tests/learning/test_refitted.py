"""After later rows have judged a fit, they teach it as well; what they chose stays."""

from dataclasses import replace

import pytest

from scoring.engine.churn.calibrate import calibrate
from scoring.engine.churn.data import Stack, take
from scoring.engine.churn.fit import Options, fit
from scoring.engine.churn.model import Calibration
from scoring.engine.validation import known_at
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
    made = refitted("additive", judged, everything, OPTIONS)
    assert made.facts["leavers"] > 1.3 * judged.facts["leavers"]
    assert made.facts["judged_on"] == judged.facts["rows"] < made.facts["rows"]
    assert (made.facts["penalty"], made.facts["own_penalty"]) == (
        judged.facts["penalty"],
        judged.facts["own_penalty"],
    )
    assert made.calibration.method == judged.calibration.method


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Calibration("both", -0.2, 0.7, {"level": 0.1}), ("both", -0.2, 0.7)),
        (Calibration("both", 0.6, 1.4, {"level": 0.1}), ("intercept", 0.1, 1.0)),
        (Calibration("none", facts={}), ("none", 0.0, 1.0)),
    ],
)
def test_a_map_that_steepens_is_taken_for_its_level_alone(everything, judged, given, kept):
    made = refitted("additive", replace(judged, calibration=given), everything, OPTIONS)
    assert (made.calibration.method, made.calibration.intercept, made.calibration.slope) == kept


def test_the_base_rate_and_the_ensemble_stay_as_they_were_judged(everything, judged):
    flat = replace(judged, calibration=Calibration("base_rate", 0.1, 0.0))
    assert refitted("additive", flat, everything, OPTIONS) is flat
    assert refitted(ENSEMBLE, judged, everything, OPTIONS) is judged
