"""What stands beside every chance of a version that was not shown to tell accounts apart."""

import pytest

from scoring.strength import BASE_RATE, WEAK, weakness, weakness_of


@pytest.mark.parametrize(
    ("figure", "method", "told"),
    [
        ({"low": 0.05}, "slope", None),
        ({"low": 0.0}, "slope", WEAK),
        ({"low": -0.1}, "nothing", WEAK),
        ({}, None, WEAK),
        ({"low": -0.1}, "base_rate", BASE_RATE),
        # its back-test's fits beat the base rate; the version itself was calibrated to one
        ({"low": 0.05}, "base_rate", BASE_RATE),
    ],
)
def test_a_base_rate_is_told_first(figure, method, told):
    assert weakness_of(figure, method) is told
    report = {"horizons": {"90": {"all": {"brier_skill": figure}}}, "calibration": {"method": method}}
    assert weakness(report) is told
