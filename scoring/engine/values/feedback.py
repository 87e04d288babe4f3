"""Values of the indicators of how much customers tell us, whatever they say."""

from scoring.engine.values.base import Formula, zero_if_silent

FORMULAS: dict[str, Formula] = {
    "satisfaction.answers_365d": lambda raw: zero_if_silent(raw["surveys.answers_365"]),
    "satisfaction.feedback_365d": lambda raw: zero_if_silent(raw["surveys.feedback_365"]),
}
NEWEST: dict[str, str] = {
    "satisfaction.feedback_365d": "surveys.feedback_ago",
}
