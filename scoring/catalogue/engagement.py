"""How the customer talks with us: contact, meetings, mails."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
ENGAGEMENT: tuple[Indicator, ...] = (
    Indicator(
        "engagement.last_two_way_contact", "Last two-way contact", D.ENGAGEMENT, "contact", "days", False, 365,
        "Days since the newest call, meeting, review, training or message from the customer. Where none is recorded: "
        "days since the account's records begin, 365 at most.",
        "activities", (5, 20, 45, 90, 120), (100, 75, 45, 10, 0), 7,
        "Last two-way contact {v:.0f} day{s} ago", shortest=30,
    ),
    Indicator(
        "engagement.meetings_90d", "Calls and meetings", D.ENGAGEMENT, "contact", "count", True, 90,
        "Calls, meetings, reviews, trainings and planning sessions in the last 90 days.",
        "activities", (0, 1, 2, 4, 7), (5, 30, 50, 80, 100), 5,
        "{v:.0f} call{s} or meeting{s} in {days} days", "No call or meeting in {days} days",
    ),
    Indicator(
        "engagement.inbound_share", "Share of mails from the customer", D.ENGAGEMENT, "contact", "share", True, 90,
        "Mails from the customer divided by all mails with a direction, over 90 days. Needs 3 mails.",
        "activities", (0, 0.2, 0.4, 0.6), (10, 50, 80, 100), 2,
        "{pct:.0f}% of the mails come from the customer", "No mail came from the customer in {days} days",
    ),
    Indicator(
        "engagement.reply_hours", "Time to answer us", D.ENGAGEMENT, "contact", "hours", False, 90,
        "Median hours from a mail of ours to the customer's next mail, over 90 days; a mail not answered within 14 "
        "days does not count here. Needs 2 answers.",
        "activities", (4, 24, 72, 168), (100, 75, 40, 0), 1,
        "Answers our mails after {v:.0f} hour{s}",
    ),
    Indicator(
        "engagement.unanswered", "Our mails without an answer", D.ENGAGEMENT, "contact", "count", False, 90,
        "Mails of ours in the last 90 days since the customer last wrote, called or met us.",
        "activities", (0, 2, 4, 8), (100, 70, 35, 0), 1,
        "Our last {v:.0f} mail{s} had no answer", "No mail of ours waits for an answer",
    ),
    Indicator(
        "engagement.trainings_365d", "Trainings", D.ENGAGEMENT, "training", "count", True, 365,
        "Trainings held in the last 365 days.",
        "activities", (0, 1, 2, 4), (25, 65, 85, 100), 0,
        "{v:.0f} training{s} in {days} days", "No training in {days} days",
    ),
)  # fmt: skip
