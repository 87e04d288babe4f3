"""How much customers tell us, whatever they say. Who was asked and kept silent is not in the data."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
FEEDBACK: tuple[Indicator, ...] = (
    Indicator(
        "satisfaction.answers_365d", "Answers to surveys", D.SATISFACTION, "surveys", "count", True, 365,
        "Answers to surveys of every kind in the last 365 days. Who was asked is not known, so it weighs nothing.",
        "surveys", (0, 1, 4), (50, 65, 100), 0,
        "{v:.0f} answer{s} to surveys in {days} days", "No answer to a survey in {days} days",
    ),
    Indicator(
        "satisfaction.feedback_365d", "Feedback in own words", D.SATISFACTION, "surveys", "count", True, 365,
        "Survey answers with a comment, and reviews, in the last 365 days.",
        "surveys", (0, 1, 3), (50, 70, 100), 0,
        "{v:.0f} comment{s} or reviews in {days} days", "No comment or review in {days} days",
    ),
)  # fmt: skip
