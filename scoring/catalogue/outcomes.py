"""What the customer wanted to reach: objectives and milestones."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
OUTCOMES: tuple[Indicator, ...] = (
    Indicator(
        "outcomes.objectives_overdue", "Objectives overdue", D.OUTCOMES, "objectives", "share", False, 365,
        "Of the objectives that fell due in the last 365 days: the share not reached.",
        "objectives", (0, 0.3, 0.6, 1), (100, 70, 35, 0), 4,
        "{pct:.0f}% of the objectives due were not reached", "Every objective due was reached",
        shortest=30,
    ),
    Indicator(
        "outcomes.milestones_late", "Milestones late", D.OUTCOMES, "milestones", "share", False, 365,
        "Of the milestones that fell due in the last 365 days: the share not completed.",
        "milestones", (0, 0.25, 0.5, 1), (100, 75, 40, 0), 3,
        "{pct:.0f}% of the milestones due are not completed", "Every milestone due is completed",
        shortest=30,
    ),
    Indicator(
        "outcomes.objectives_reached", "Objectives reached", D.OUTCOMES, "objectives", "share", True, 365,
        "Objectives reached in the last 365 days, divided by these and those that fell due in that time unreached.",
        "objectives", (0, 0.4, 0.7, 1), (0, 35, 70, 100), 0,
        "{pct:.0f}% of the objectives were reached", "No objective was reached",
        shortest=30,
    ),
    Indicator(
        "outcomes.value_realised", "Value realised", D.OUTCOMES, "value", "share", True, 365,
        "Value realised by objectives, divided by the value that was expected of them: of those reached in the last "
        "365 days with a known value, and those that fell due in that time unreached (which realised nothing).",
        "objectives", (0, 0.4, 0.8, 1), (0, 40, 75, 100), 2,
        "{pct:.0f}% of the expected value was realised", "None of the expected value was realised",
        shortest=30,
    ),
    Indicator(
        "outcomes.objective_progress", "Progress by usage", D.OUTCOMES, "value", "share", True, 30,
        "Mean progress of the open objectives that a usage metric measures: its mean of the last 30 days on the way "
        "from baseline (where none is given: the 30 days before the objective was declared) to target, 0 to 100%. "
        "Needs 7 days of each.",
        "usage", (0, 0.3, 0.6, 1), (20, 50, 75, 100), 1,
        "{pct:.0f}% of the way to the objectives, as usage measures it", "No progress towards the objectives, as usage "
        "measures it", longest=180,
    ),
    Indicator(
        "outcomes.onboarding_in_time", "Onboarding in time", D.OUTCOMES, "onboarding", "share", True, 365,
        "Of the onboarding milestones that fell due in the last 365 days: the share completed by their day.",
        "milestones", (0, 0.4, 0.7, 1), (0, 40, 70, 100), 0,
        "{pct:.0f}% of the onboarding steps were in time", "No onboarding step was in time",
        shortest=30,
    ),
    Indicator(
        "outcomes.onboarding_stuck_days", "Onboarding stuck", D.OUTCOMES, "onboarding", "days", False, 365,
        "Days that the oldest open onboarding milestone is past its day, of those due in the last 365 days or later. "
        "No value without one.",
        "milestones", (0, 14, 45, 90), (100, 70, 30, 0), 0,
        "Onboarding is stuck for {v:.0f} day{s}", "Onboarding is not stuck",
        shortest=30,
    ),
    Indicator(
        "outcomes.time_to_first_value", "Time to first value", D.OUTCOMES, "onboarding", "days", False, 365,
        "Days from the start as a customer to the first objective reached or the first milestone of adoption; while "
        "there is none, the days so far. No value after the first 365 days.",
        "milestones", (30, 90, 180, 365), (100, 75, 40, 0), 0,
        "First value took {v:.0f} day{s}, or is awaited that long", also="objectives",
        shortest=30,
    ),
)  # fmt: skip
