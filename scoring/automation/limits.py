"""What each gate of automation asks for, by the tenant's settings; no maths, so that whoever acts can compare."""

from typing import Any

from scoring.automation.words import CLOSED_WINDOWS, SLOPES
from scoring.models import ChanceSettings

BOUNDS = ("least", "most", "above")


def limits(settings: ChanceSettings) -> dict[str, dict[str, Any]]:
    """One limit a gate in the order of the page; the shape is that of `engine.validation.gates`."""
    return {
        "months_in_shadow": {
            "least": settings.months_in_shadow, "unit": "months", "words": "Watched without acting by itself"
        },
        "closed_windows": {
            "least": CLOSED_WINDOWS, "words": "Windows of 90 days that are over, counted a month apart"
        },
        "leavers": {
            "least": settings.least_leavers, "words": "Accounts that left in those windows"
        },
        "calibration": {
            "most": float(settings.most_calibration_error), "unit": "%",
            "words": "Mean gap between what was said and what happened in those windows",
        },
        "slope": {
            "least": SLOPES[0], "most": SLOPES[1], "words": "Calibration slope in those windows (1 is right)"
        },
        "skill": {
            "above": 0, "use": "low",
            "words": "Brier skill against the base rate in its back-test, lower end of its interval",
        },
        "precision": {
            "least": float(settings.precision_wanted), "unit": "%",
            "words": "Of the accounts flagged in those windows, the share that left",
        },
        "freshness": {"most": 0, "words": "Sources that are late, empty or shifted"},
        "drift": {"most": 0, "words": "Checks of drift beyond their limits at the last look"},
    }  # fmt: skip


def asked(settings: ChanceSettings, *, run_id: int | None) -> dict[str, dict[str, Any]]:
    """By gate what its row keeps in its details: the bounds that it was held against, and after which scoring."""
    return {
        key: {"asked": {name: limit[name] for name in BOUNDS if name in limit}, "run": run_id}
        for key, limit in limits(settings).items()
    }
