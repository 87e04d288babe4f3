"""How much a version's chances say, in the words that stand wherever they are shown. No maths is loaded.

DECISIONS 24 lets a well calibrated version be shown without skill: a base rate is an honest chance. It must not pass
for more, and nothing may happen by itself on it: telling accounts apart is what automation rests on. "Shown to beat
the base rate" is a 95 % interval of the Brier skill at 90 days, on days the version had not seen, that lies above zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HORIZON = "90"


@dataclass(frozen=True)
class Weakness:
    """Why a version's chances are no more than a base rate, as far as was shown."""

    short: str
    words: str


BASE_RATE = Weakness("base rate", "Base rate: everybody alike but for the dates of the contract.")
WEAK = Weakness("weak", "Weak: not shown to beat the base rate.")


def skill(report: Mapping[str, Any]) -> dict[str, Any]:
    """The Brier skill of the back-test at 90 days with its interval; empty where there is none."""
    found = report.get("horizons", {}).get(HORIZON, {}).get("all", {}).get("brier_skill")
    return dict(found) if isinstance(found, Mapping) else {}


def weakness_of(figure: Mapping[str, Any], method: str | None) -> Weakness | None:
    """Of a skill with its interval and the kind of calibration; None where it was shown to beat the base rate.

    What the back-test's fits have shown says nothing of a version that its own calibration made a base rate of.
    """
    low = figure.get("low")
    if method == "base_rate":
        return BASE_RATE
    return None if low is not None and low > 0 else WEAK


def weakness(report: Mapping[str, Any]) -> Weakness | None:
    """Of a version's report."""
    return weakness_of(skill(report), (report.get("calibration") or {}).get("method"))


def figure_words(report: Mapping[str, Any]) -> str:
    """The figure that stands against automation."""
    found = skill(report)
    if found.get("low") is None:
        return "Its Brier skill against the base rate is not known."
    low, value, high = (f"{found[name]:.3f}" for name in ("low", "value", "high"))
    return f"Brier skill against the base rate {value} (95 % interval {low} to {high}); above 0 is needed."
