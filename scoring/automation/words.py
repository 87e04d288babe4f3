"""Names and limits of the gates that pages and jobs share; no maths."""

CLOSED_WINDOWS = 1  # of 90 days, which is over when a version was watched for three months
SLOPES = (0.5, 1.5)  # in closed windows; the back-test's own gate is wider, for it has an interval to lean on
OWN_CHANCE = "own_chance"
LABELS = {
    "months_in_shadow": "Months watched",
    "closed_windows": "Closed windows",
    "leavers": "Leavers seen",
    "calibration": "Calibration error",
    "slope": "Calibration slope",
    "skill": "Better than the base rate",
    "precision": "Precision at the threshold",
    "freshness": "Sources fresh",
    "drift": "No drift",
    OWN_CHANCE: "Own chance of the account",
}
