"""How the customer uses the product: level, trend, breadth, recency."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
USAGE: tuple[Indicator, ...] = (
    Indicator(
        "usage.active_users_per_seat", "Active users per seat", D.USAGE, "adoption", "share", True, 30,
        "Mean daily active users over the last 30 days, divided by the seats of the active terms. Needs 7 days.",
        "usage", (0.05, 0.15, 0.3, 0.5, 0.7), (0, 25, 55, 80, 100), 8,
        "{pct:.0f}% of the seats are used on a day", longest=365,
    ),
    Indicator(
        "usage.trend_30d", "Usage trend", D.USAGE, "trend", "change", True, 90,
        "Mean of core events a day (active users where there are none) over the last 30 days, against the account's "
        "own previous 60 days. Needs 10 and 20 days with data.",
        "usage", (-0.5, -0.25, -0.1, 0, 0.15, 0.3), (0, 20, 45, 65, 85, 100), 9,
        "Usage up {pct:.0f}% against the {before} days before", "Usage as in the {before} days before",
        "Usage down {pct:.0f}% against the {before} days before", shortest=45, longest=365,
    ),
    Indicator(
        "usage.days_since_last", "Days since last use", D.USAGE, "recency", "days", False, 180,
        "Days from the last day with any use to the scored day, 180 at most.",
        "usage", (3, 7, 14, 30), (100, 70, 35, 0), 2,
        "Last used {v:.0f} day{s} ago", shortest=30,
    ),
    Indicator(
        "usage.breadth", "Features used", D.USAGE, "adoption", "share", True, 30,
        "Mean number of features used a day over the last 30 days, divided by the level that one customer in ten "
        "of this tenant passes. Needs 7 days.",
        "usage", (0.1, 0.3, 0.5, 0.75, 1), (0, 30, 55, 80, 100), 5,
        "Uses {pct:.0f}% of the features that the broadest accounts use", longest=365,
    ),
    Indicator(
        "usage.level_of_best", "Usage against its own best", D.USAGE, "trend", "share", True, 180,
        "Mean of core events a day (active users where there are none) over the last 30 days, divided by the best such "
        "mean among the last six periods of 30 days. Needs 10 days in the last period and in two others.",
        "usage", (0.2, 0.4, 0.6, 0.8, 1), (0, 20, 45, 70, 100), 2,
        "Usage is at {pct:.0f}% of its best month in {span}", "Usage has stopped", shortest=90,
        longest=720, step=30,
    ),
    Indicator(
        "usage.volatility", "Uneven usage", D.USAGE, "trend", "share", False, 56,
        "How far the weekly means of core events a day (active users where there are none) lie from their mean over "
        "the last 8 weeks: standard deviation divided by mean. Needs 6 weeks with 4 days each.",
        "usage", (0.05, 0.15, 0.3, 0.6, 1), (100, 80, 60, 25, 0), 1,
        "Weekly usage varies by {pct:.0f}%", "Usage is the same every week", shortest=28,
        longest=364, step=7,
    ),
    Indicator(
        "usage.error_rate", "Errors", D.USAGE, "quality", "share", False, 30,
        "Errors divided by core events over the last 30 days, counting days that have both. Needs 7 days.",
        "usage", (0, 0.005, 0.02, 0.05, 0.15), (100, 85, 60, 30, 0), 2,
        "{pct:.1f} errors in 100 core events", "No errors in {days} days", longest=365,
    ),
    Indicator(
        "usage.features_abandoned", "Features given up", D.USAGE, "adoption", "count", False, 90,
        "Features that the account used on at least 8 of the 60 days before and, in the last 30 days, at most at a "
        "quarter of that pace. Needs use by feature in both periods.",
        "usage_detail", (0, 1, 2, 4), (100, 50, 25, 0), 3,
        "Hardly uses {names} any more", "No feature was given up", names="usage_detail.abandoned_names",
        shortest=45, longest=365,
    ),
    Indicator(
        "usage.login_frequency", "Logins per active user", D.USAGE, "adoption", "ratio", True, 30,
        "Logins divided by active users over the last 30 days, counting days that have both. Needs 7 days.",
        "usage", (0.5, 1, 1.5, 3), (0, 50, 75, 100), 0,
        "{v:.1f} logins a day per active user", "Nobody logged in for {days} days", longest=365,
    ),
    Indicator(
        "usage.api_trend", "API calls trend", D.USAGE, "trend", "change", True, 90,
        "Mean of API calls a day over the last 30 days, against the account's own previous 60 days. Needs 10 and 20 "
        "days with data, and calls in the previous 60 days.",
        "usage", (-0.5, -0.25, -0.1, 0, 0.15, 0.3), (0, 20, 45, 65, 85, 100), 0,
        "API calls up {pct:.0f}% against the {before} days before", "API calls as in the {before} days before",
        "API calls down {pct:.0f}% against the {before} days before", shortest=45, longest=365,
    ),
    Indicator(
        "usage.data_trend", "Data volume trend", D.USAGE, "trend", "change", True, 90,
        "Mean of data stored or moved a day over the last 30 days, against the account's own previous 60 days. Needs "
        "10 and 20 days with data.",
        "usage", (-0.5, -0.25, -0.1, 0, 0.15, 0.3), (0, 20, 45, 65, 85, 100), 0,
        "Data volume up {pct:.0f}% against the {before} days before", "Data volume as in the {before} days before",
        "Data volume down {pct:.0f}% against the {before} days before", shortest=45, longest=365,
    ),
)  # fmt: skip
