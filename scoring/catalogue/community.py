"""What customers do for each other: measured where they take part, never held against those who do not."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
COMMUNITY: tuple[Indicator, ...] = (
    Indicator(
        "engagement.community_posts", "Community posts", D.ENGAGEMENT, "community", "count", True, 365,
        "Posts in the community in the last 365 days. No value without any, so that nobody loses by not taking part.",
        "activities", (0, 1), (0, 100), 0,
        "{v:.0f} community post{s} in {days} days", optional=True,
    ),
    Indicator(
        "engagement.docs_contributions", "Contributions to the documentation", D.ENGAGEMENT, "community", "count",
        True, 365,
        "Contributions to the documentation in the last 365 days. No value without any.",
        "activities", (0, 1), (0, 100), 0,
        "{v:.0f} contribution{s} to the documentation in {days} days", optional=True,
    ),
    Indicator(
        "engagement.talks", "Conference talks", D.ENGAGEMENT, "community", "count", True, 365,
        "Talks at conferences in the last 365 days. No value without any.",
        "activities", (0, 1), (0, 100), 0,
        "{v:.0f} conference talk{s} in {days} days", optional=True,
    ),
    Indicator(
        "engagement.beta_programs", "Beta programs", D.ENGAGEMENT, "community", "count", True, 365,
        "Activities in beta programs in the last 365 days. No value without any: not everybody is invited.",
        "activities", (0, 1), (0, 100), 0,
        "{v:.0f} time{s} in a beta program in {days} days", optional=True,
    ),
)  # fmt: skip
