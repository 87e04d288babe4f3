"""How the customer talks with us: contact, meetings, mails."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
ENGAGEMENT: tuple[Indicator, ...] = (
    Indicator(
        "engagement.last_two_way_contact", "Last two-way contact", D.ENGAGEMENT, "contact", "days", False, 365,
        "Days since the newest call, meeting, review, training or message from the customer. Where none is recorded: "
        "days since the account's records begin, 365 at most.",
        "activities", (5, 20, 45, 90, 120), (100, 75, 45, 10, 0), 8,
        "Last two-way contact {v:.0f} day{s} ago",
    ),
    Indicator(
        "engagement.meetings_90d", "Calls and meetings", D.ENGAGEMENT, "contact", "count", True, 90,
        "Calls, meetings, reviews, trainings and planning sessions in the last 90 days.",
        "activities", (0, 1, 2, 4, 7), (5, 30, 50, 80, 100), 6,
        "{v:.0f} call{s} or meeting{s} in 90 days", "No call or meeting in 90 days",
    ),
    Indicator(
        "engagement.inbound_share", "Share of mails from the customer", D.ENGAGEMENT, "contact", "share", True, 90,
        "Mails from the customer divided by all mails with a direction, over 90 days. Needs 3 mails.",
        "activities", (0, 0.2, 0.4, 0.6), (10, 50, 80, 100), 2,
        "{pct:.0f}% of the mails come from the customer", "No mail came from the customer in 90 days",
    ),
)  # fmt: skip
