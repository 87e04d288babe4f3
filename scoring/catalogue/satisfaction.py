"""What the customer says of us, and what support goes through."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
SATISFACTION: tuple[Indicator, ...] = (
    Indicator(
        "satisfaction.nps_latest", "Latest NPS answer", D.SATISFACTION, "surveys", "score", True, 365,
        "Mean NPS score (0 to 10) of the newest day with an answer, in the last 365 days.",
        "surveys", (0, 6, 8, 9), (0, 35, 75, 100), 4,
        "Latest NPS answer: {v:.0f} of 10",
    ),
    Indicator(
        "satisfaction.csat_90d", "Satisfaction with support", D.SATISFACTION, "surveys", "score", True, 90,
        "Mean CSAT (1 to 5) of tickets closed and CSAT surveys answered in the last 90 days.",
        "tickets", (1, 3, 4, 5), (0, 35, 70, 100), 4,
        "Mean CSAT {v:.1f} of 5 in 90 days", also="surveys",
    ),
    Indicator(
        "satisfaction.change", "Change in satisfaction", D.SATISFACTION, "surveys", "points", True, 270,
        "All survey and ticket ratings put on 0 to 100: mean of the last 90 days less mean of the 180 days before. "
        "Needs 2 answers in each.",
        "surveys", (-30, -15, 0, 10), (0, 25, 65, 100), 6,
        "Satisfaction up {v:.0f} points on the half year before", "Satisfaction as in the half year before",
        "Satisfaction down {v:.0f} points on the half year before", also="tickets",
    ),
    Indicator(
        "satisfaction.ticket_spike", "Tickets against own usual", D.SATISFACTION, "support", "ratio", False, 210,
        "Tickets opened in the last 30 days plus one, divided by the account's usual number in 30 days plus one; the "
        "usual is the mean of up to 180 days before. Needs 60 days of records.",
        "tickets", (0.7, 1, 1.5, 2.5, 4), (100, 80, 55, 20, 0), 4,
        "Tickets at {v:.1f} times the usual level",
    ),
    Indicator(
        "satisfaction.open_escalations", "Open escalations", D.SATISFACTION, "support", "count", False, 0,
        "Tickets that were escalated and are not closed.",
        "tickets", (0, 1, 2, 3), (100, 40, 15, 0), 1,
        "{v:.0f} escalated ticket{s} open", "No escalated ticket open",
    ),
    Indicator(
        "satisfaction.slow_replies", "Slow first replies", D.SATISFACTION, "support", "share", False, 90,
        "Of the tickets opened in the last 90 days that were answered or have waited 24 hours: the share that waited "
        "longer than 24 hours.",
        "tickets", (0, 0.1, 0.3, 0.6), (100, 80, 40, 0), 1,
        "{pct:.0f}% of tickets waited over 24 hours for a reply", "Every ticket was answered within 24 hours",
    ),
)  # fmt: skip
