"""What the customer wanted to reach: objectives and milestones."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
OUTCOMES: tuple[Indicator, ...] = (
    Indicator(
        "outcomes.objectives_overdue", "Objectives overdue", D.OUTCOMES, "objectives", "share", False, 365,
        "Of the objectives that fell due in the last 365 days: the share not reached.",
        "objectives", (0, 0.3, 0.6, 1), (100, 70, 35, 0), 6,
        "{pct:.0f}% of the objectives due were not reached", "Every objective due was reached",
    ),
    Indicator(
        "outcomes.milestones_late", "Milestones late", D.OUTCOMES, "milestones", "share", False, 365,
        "Of the milestones that fell due in the last 365 days: the share not completed.",
        "milestones", (0, 0.25, 0.5, 1), (100, 75, 40, 0), 4,
        "{pct:.0f}% of the milestones due are not completed", "Every milestone due is completed",
    ),
)  # fmt: skip
