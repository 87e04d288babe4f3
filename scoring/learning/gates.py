"""What a version must have shown in its back-test before its chances are shown to anybody (DECISIONS 24)."""

from typing import Any

from scoring.engine.validation.gates import gates
from scoring.learning.rolling import HORIZON, LEAST_ORIGINS
from scoring.models import ChanceSettings

# how far the number that left may lie from the number that was said, as far as the interval can tell
EXPECTED = (0.5, 2.0)
SLOPES = (0.3, 2.0)


def advisory_gates(report: dict[str, Any], *, settings: ChanceSettings) -> list[dict[str, Any]]:
    """One row a gate: {key, needed, found, passed, words}."""
    whole = report.get("horizons", {}).get(str(HORIZON), {}).get("all", {})
    expected, slope = whole.get("observed_expected") or {}, whole.get("slope") or {}
    figures: dict[str, Any] = {
        "origins": len(report["origins"]),
        "leavers": report["leavers"]["seen"],
        "ece": whole.get("ece"),
        "too_few_left": expected.get("high"),
        "too_many_left": expected.get("low"),
        "skill": whole.get("brier_skill"),
    }
    limits: dict[str, dict[str, Any]] = {
        "origins": {"least": LEAST_ORIGINS, "words": "Past days that the back-test could judge"},
        "leavers": {"least": settings.least_leavers, "words": "Accounts seen to leave"},
        "ece": {
            "most": float(settings.most_calibration_error), "unit": "%",
            "words": "Mean gap between what was said and what happened, within 90 days",
        },
        "too_few_left": {
            "least": EXPECTED[0], "words": "Left for each one that was expected, upper end of the interval"
        },
        "too_many_left": {
            "most": EXPECTED[1], "words": "Left for each one that was expected, lower end of the interval"
        },
        "skill": {"least": 0.0, "use": "high", "words": "Brier skill against the base rate, upper end"},
    }  # fmt: skip
    # where everybody gets a base rate there is no slope to tell
    if slope.get("low") is not None:
        figures |= {"flat": slope["high"], "steep": slope["low"]}
        limits |= {
            "flat": {"least": SLOPES[0], "words": "Calibration slope, upper end of its interval"},
            "steep": {"most": SLOPES[1], "words": "Calibration slope, lower end of its interval"},
        }
    return gates(figures, limits)
