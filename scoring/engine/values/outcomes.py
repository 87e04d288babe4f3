"""Values of the outcome indicators."""

import numpy as np

from scoring.engine.values.base import Floats, Formula, Raw, needs, ratio, zero_if_silent


def objectives_reached(raw: Raw) -> Floats:
    reached = raw["objectives.reached"]
    return ratio(reached, reached + raw["objectives.missed"])


def onboarding_in_time(raw: Raw) -> Floats:
    return ratio(raw["milestones.onboarding_in_time"], raw["milestones.onboarding_due"])


def onboarding_stuck(raw: Raw) -> Floats:
    return needs(raw["milestones.onboarding"] > 0, zero_if_silent(raw["milestones.onboarding_open_ago"]))


def time_to_first_value(raw: Raw) -> Floats:
    """While nothing was reached it is at least the tenure, and that is its value."""
    ago = np.fmax(
        raw["objectives.first_reached_ago"], raw["milestones.adopted_ago"]
    )  # NaN only where both are
    days = np.where(np.isnan(ago), raw["tenure_days"], np.maximum(raw["tenure_days"] - ago, 0.0))
    has_plan = (zero_if_silent(raw["objectives.rows"]) + zero_if_silent(raw["milestones.rows"])) > 0
    young = raw["tenure_days"] <= raw["window.outcomes.time_to_first_value"]
    return needs(has_plan & young, days)


FORMULAS: dict[str, Formula] = {
    "outcomes.objectives_overdue": lambda raw: ratio(raw["objectives.overdue"], raw["objectives.due"]),
    "outcomes.milestones_late": lambda raw: ratio(raw["milestones.late"], raw["milestones.due"]),
    "outcomes.objectives_reached": objectives_reached,
    "outcomes.value_realised": lambda raw: ratio(raw["objectives.realised"], raw["objectives.expected"]),
    "outcomes.objective_progress": lambda raw: ratio(raw["progress.progress"], raw["progress.measured"]),
    "outcomes.onboarding_in_time": onboarding_in_time,
    "outcomes.onboarding_stuck_days": onboarding_stuck,
    "outcomes.time_to_first_value": time_to_first_value,
}
NEWEST: dict[str, str] = {
    "outcomes.objectives_reached": "objectives.reached_ago",
    "outcomes.value_realised": "objectives.reached_ago",
}
