"""Values of the outcome indicators."""

from scoring.engine.values.base import Formula, ratio

FORMULAS: dict[str, Formula] = {
    "outcomes.objectives_overdue": lambda raw: ratio(raw["objectives.missed_365"], raw["objectives.due_365"]),
    "outcomes.milestones_late": lambda raw: ratio(raw["milestones.late_365"], raw["milestones.due_365"]),
}
NEWEST: dict[str, str] = {}
