"""How the customer uses the product: level, trend, breadth, recency."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
USAGE: tuple[Indicator, ...] = (
    Indicator(
        "usage.active_users_per_seat", "Active users per seat", D.USAGE, "adoption", "share", True, 30,
        "Mean daily active users over the last 30 days, divided by the seats of the active terms. Needs 7 days.",
        "usage", (0.05, 0.15, 0.3, 0.5, 0.7), (0, 25, 55, 80, 100), 9,
        "{pct:.0f}% of the seats are used on a day",
    ),
    Indicator(
        "usage.trend_30d", "Usage trend", D.USAGE, "trend", "change", True, 90,
        "Mean of core events a day (active users where there are none) over the last 30 days, against the account's "
        "own previous 60 days. Needs 10 and 20 days with data.",
        "usage", (-0.5, -0.25, -0.1, 0, 0.15, 0.3), (0, 20, 45, 65, 85, 100), 13,
        "Usage up {pct:.0f}% against the 60 days before", "Usage as in the 60 days before",
        "Usage down {pct:.0f}% against the 60 days before",
    ),
    Indicator(
        "usage.days_since_last", "Days since last use", D.USAGE, "recency", "days", False, 180,
        "Days from the last day with any use to the scored day, 180 at most.",
        "usage", (3, 7, 14, 30), (100, 70, 35, 0), 2,
        "Last used {v:.0f} day{s} ago",
    ),
    Indicator(
        "usage.breadth", "Features used", D.USAGE, "adoption", "share", True, 30,
        "Mean number of features used a day over the last 30 days, divided by the level that one customer in ten "
        "of this tenant passes. Needs 7 days.",
        "usage", (0.1, 0.3, 0.5, 0.75, 1), (0, 30, 55, 80, 100), 8,
        "Uses {pct:.0f}% of the features that the broadest accounts use",
    ),
)  # fmt: skip
