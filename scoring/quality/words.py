"""What each figure of the model quality page means, in plain words."""

from dataclasses import dataclass
from typing import Any

SHARE, NUMBER = "share", "number"


@dataclass(frozen=True)
class Measure:
    """One figure of a back-test and of what was observed."""

    key: str
    label: str
    kind: str
    words: str


MEASURES = (
    Measure(
        "brier_skill", "Brier skill", NUMBER,
        "How much nearer the chances were than giving every customer the base rate: 1 is perfect, 0 is no better.",
    ),
    Measure(
        "ece", "Calibration error", SHARE,
        "The mean gap between what was said and what happened, over ten groups of equal size. "
        "Noise alone makes it grow where few left.",
    ),
    Measure(
        "observed_expected", "Left for each one expected", NUMBER,
        "1 is as many as expected; above it the chances were too low, below it too high.",
    ),
    Measure(
        "slope", "Calibration slope", NUMBER,
        "1 is right; below it high chances were too high and low ones too low.",
    ),
    Measure(
        "auc", "Order (AUC)", NUMBER,
        "How often somebody who left had the higher chance than somebody who stayed: .5 is a coin, 1 is always.",
    ),
    Measure("brier", "Brier score", NUMBER, "The mean squared gap between chance and outcome; lower is better."),
)  # fmt: skip

CANDIDATES = {
    "additive": "Additive splines",
    "boosted": "Boosted trees",
    "part.usage": "Usage alone",
    "part.engagement": "Engagement and people alone",
    "part.satisfaction": "Satisfaction and support alone",
    "part.business": "Business, goals and contract alone",
    "ensemble": "Part models together",
    "base": "Base rate",
}
VERDICTS = {
    "knew": ("good", "Knew better than the model"),
    "wrong": ("high", "The model was nearer"),
    "open": ("info", "Cannot be told apart from the model"),
    "few": ("info", "Too few with a chance beside them"),
    "none": ("info", "No chance was shown beside them"),
}


def skill_words(figure: dict[str, Any] | None) -> str:
    """What a Brier skill and its interval allow to say."""
    if not figure or figure.get("value") is None:
        return "Not known yet."
    low, high = figure.get("low"), figure.get("high")
    if low is not None and low > 0:
        return "Better than giving every customer the base rate: the whole interval is above zero."
    if high is not None and high < 0:
        return "Worse than giving every customer the base rate: the whole interval is below zero."
    return "Not shown to be better than giving every customer the base rate: the interval includes zero."


def gap_words(gap: dict[str, Any]) -> tuple[str, str]:
    """(tone, words) of a segment's calibration gap."""
    if gap["low"] > 0:
        return "high", "Said too low"
    if gap["high"] < 0:
        return "high", "Said too high"
    return "good", "No gap shown"


def candidate(name: str) -> str:
    return CANDIDATES.get(name, name.replace("_", " ").capitalize())
