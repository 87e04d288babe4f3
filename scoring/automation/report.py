"""What the report of a version says, picked out for gates and pages. No maths is loaded."""

from dataclasses import dataclass
from typing import Any

from scoring.models import ChurnModel

HORIZON = "90"
TARGET_PRECISION, TARGET_SEEN = (
    0.80,
    0.85,
)  # what we aim at, shown as that and never as a figure that was found
# figures at 90 days: key, label, how it is shown, what it says in plain words
FIGURES = (
    (
        "auc", "AUC", "number",
        "Of two accounts, one that left and one that stayed: how often the one that left had the higher chance. 0.5 is "
        "a coin.",
    ),
    (
        "brier_skill", "Brier skill", "number",
        "How much closer the chances lie to what happened than the base rate does. 0 is no better.",
    ),
    ("ece", "Calibration error", "pct", "Mean gap between the chance that was said and the share that left."),
    ("slope", "Calibration slope", "number", "1 is right; below it, high chances are too high and low ones too low."),
    ("precision", "Precision", "pct", "Of the accounts flagged, the share that left."),
    ("recall", "Recall", "pct", "Of the accounts that left, the share that was flagged."),
    (
        "top_decile_lift", "Lift of the top tenth", "number",
        "How much more often the tenth with the highest chances left than all did.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One figure of the back-test with its interval and counts."""

    label: str
    kind: str  # number, pct
    words: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    events: int | None


@dataclass(frozen=True)
class Choice:
    """What a wanted precision cost in the back-test: chosen on its older days, judged on the newer ones."""

    wanted: float
    reached: bool
    threshold: float | None
    precision: Figure
    recall: Figure
    is_wanted: bool = False
    stands_in: bool = False  # used, because what is wanted was not counted for this version


def whole(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of all accounts at 90 days; empty where the back-test could not judge."""
    found: dict[str, Any] = report.get("horizons", {}).get(HORIZON, {}).get("all", {})
    return found


def figures(report: dict[str, Any]) -> list[Figure]:
    """The figures that a page shows, in its order; those that the back-test could not give are left out."""
    given = whole(report)
    return [
        figure_of(given[key], label, kind, words) for key, label, kind, words in FIGURES if given.get(key)
    ]


def figure_of(given: dict[str, Any] | None, label: str, kind: str, words: str = "") -> Figure:
    parts = [(given or {}).get(name) for name in ("value", "low", "high", "n", "events")]
    return Figure(label, kind, words, *parts)


def choices(report: dict[str, Any], *, wanted: float) -> list[Choice]:
    """What each precision on offer cost, the chosen one marked; empty for versions from before it was counted."""
    used = _row_for(report, wanted=wanted)
    share = used["wanted"] if used else None
    return [
        Choice(
            row["wanted"],
            row["reached"],
            row["threshold"],
            figure_of(row["precision"], "Precision", "pct"),
            figure_of(row["recall"], "Recall", "pct"),
            is_same(row["wanted"], wanted),
            share is not None and row["wanted"] == share and not is_same(share, wanted),
        )
        for row in report.get("precisions", [])
    ]


def threshold_of(model: ChurnModel, *, wanted: float) -> float | None:
    """The chance from which this version flags for the precision that the tenant wants now, else the trained one."""
    row = _row_for(model.report, wanted=wanted)
    if row is not None:
        return float(row["threshold"])
    used = model.report.get("thresholds", {}).get(HORIZON, {}).get("used")
    return None if used is None else float(used)


def is_reached(model: ChurnModel, *, wanted: float) -> bool:
    """Whether the back-test reaches this precision; where it does not, `threshold_of` is the trained threshold."""
    return _row_for(model.report, wanted=wanted) is not None


def _row_for(report: dict[str, Any], *, wanted: float) -> dict[str, Any] | None:
    """The precision that is wanted; where it was not counted the next one above, whose flags hold it as well.

    None where the back-test reaches neither.
    """
    rows: list[dict[str, Any]] = sorted(report.get("precisions", []), key=lambda row: float(row["wanted"]))
    for row in rows:
        if is_same(row["wanted"], wanted):
            return row if row["reached"] else None
    return next((row for row in rows if row["wanted"] > wanted and row["reached"]), None)


def is_same(one: float, other: float) -> bool:
    return abs(one - other) < 0.0005


def refusals(report: dict[str, Any]) -> list[str]:
    """What the back-test itself says against showing the version; no gates at all: it was never tested."""
    if not report.get("gates"):
        return ["It was not back-tested."]
    return [gate["words"] for gate in report["gates"] if not gate["passed"]]


def leaks(report: dict[str, Any]) -> list[str]:
    """Checks for leaks that tripped and refuse: nothing a person says can make up for one."""
    return [leak["words"] for leak in report.get("leaks", []) if leak["refuses"]]
