"""What the customer says of us, and what support goes through."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
SATISFACTION: tuple[Indicator, ...] = (
    Indicator(
        "satisfaction.nps_latest", "Latest NPS answer", D.SATISFACTION, "surveys", "score", True, 365,
        "Mean NPS score (0 to 10) of the newest day with an answer, in the last 365 days.",
        "surveys", (0, 6, 8, 9), (0, 35, 75, 100), 3,
        "Latest NPS answer: {v:.0f} of 10",
    ),
    Indicator(
        "satisfaction.csat_90d", "Satisfaction with support", D.SATISFACTION, "surveys", "score", True, 90,
        "Mean CSAT (1 to 5) of tickets closed and CSAT surveys answered in the last 90 days.",
        "tickets", (1, 3, 4, 5), (0, 35, 70, 100), 3,
        "Mean CSAT {v:.1f} of 5 in {days} days", also="surveys",
    ),
    Indicator(
        "satisfaction.change", "Change in satisfaction", D.SATISFACTION, "surveys", "points", True, 270,
        "All survey and ticket ratings put on 0 to 100: mean of the last 90 days less mean of the 180 days before. "
        "Needs 2 answers in each.",
        "surveys", (-30, -15, 0, 10), (0, 25, 65, 100), 3,
        "Satisfaction up {v:.0f} points on the {prior} before", "Satisfaction as in the {prior} before",
        "Satisfaction down {v:.0f} points on the {prior} before", also="tickets", shortest=45,
    ),
    Indicator(
        "satisfaction.ticket_spike", "Tickets against own usual", D.SATISFACTION, "support", "ratio", False, 210,
        "Tickets opened in the last 30 days plus one, divided by the account's usual number in 30 days plus one; the "
        "usual is the mean of up to 180 days before. Needs 60 days of records.",
        "tickets", (0.7, 1, 1.5, 2.5, 4), (100, 80, 55, 20, 0), 3,
        "Tickets at {v:.1f} times the usual level", shortest=90,
    ),
    Indicator(
        "satisfaction.open_escalations", "Open escalations", D.SATISFACTION, "support", "count", False, 0,
        "Tickets that were escalated and are not closed.",
        "tickets", (0, 1, 2, 3), (100, 40, 15, 0), 1,
        "{v:.0f} escalated ticket{s} open", "No escalated ticket open",
        no_window="it counts what is open on the day, however long",
    ),
    Indicator(
        "satisfaction.slow_replies", "Slow first replies", D.SATISFACTION, "support", "share", False, 90,
        "Of the tickets opened in the last 90 days that were answered or have waited 24 hours: the share that waited "
        "longer than 24 hours.",
        "tickets", (0, 0.1, 0.3, 0.6), (100, 80, 40, 0), 1,
        "{pct:.0f}% of tickets waited over 24 hours for a reply", "Every ticket was answered within 24 hours",
    ),
    Indicator(
        "satisfaction.escalations_90d", "Escalations", D.SATISFACTION, "support", "count", False, 90,
        "Tickets that were escalated in the last 90 days, closed or not.",
        "tickets", (0, 1, 2, 4), (100, 55, 30, 0), 0,
        "{v:.0f} ticket{s} escalated in {days} days", "No ticket escalated in {days} days",
    ),
    Indicator(
        "satisfaction.backlog", "Tickets left open", D.SATISFACTION, "support", "count", False, 0,
        "Tickets that have been open for more than 7 days.",
        "tickets", (0, 1, 3, 8), (100, 75, 40, 0), 1,
        "{v:.0f} ticket{s} open for over a week", "No ticket is open for over a week",
        no_window="it counts what is open on the day; the week is an age, not a stretch that is looked back over",
    ),
    Indicator(
        "satisfaction.resolution_days", "Time to resolve", D.SATISFACTION, "support", "days", False, 90,
        "Median days from opening to closing, of the tickets closed in the last 90 days. Needs 2 tickets.",
        "tickets", (0.5, 2, 5, 14), (100, 75, 45, 0), 1,
        "Half of the tickets closed took over {v:.1f} days",
    ),
    Indicator(
        "satisfaction.nps_change", "Change in NPS", D.SATISFACTION, "surveys", "points", True, 365,
        "Mean NPS score of the newest day with an answer less the mean of the answers before it, all in the last 365 "
        "days.",
        "surveys", (-4, -2, 0, 2), (0, 30, 65, 100), 0,
        "NPS answers up {v:.1f} points on those before", "NPS answers as before",
        "NPS answers down {v:.1f} points on those before",
    ),
    Indicator(
        "satisfaction.nps_silence", "Silence on NPS", D.SATISFACTION, "surveys", "days", False, 365,
        "Days since the newest NPS answer. Where there is none: days since the account's records begin, 365 at most. "
        "Needs an NPS answer of any customer.",
        "surveys", (60, 120, 210, 365), (100, 75, 45, 10), 1,
        "No NPS answer for {v:.0f} day{s}", shortest=60,
    ),
    Indicator(
        "satisfaction.ces_180d", "Customer effort", D.SATISFACTION, "surveys", "score", True, 180,
        "Mean CES score (1 to 7, 7 is least effort) of the answers in the last 180 days.",
        "surveys", (2, 4, 5.5, 7), (0, 35, 70, 100), 1,
        "Mean CES {v:.1f} of 7 in {days} days",
    ),
    Indicator(
        "satisfaction.text_sentiment_90d", "Tone of what they write", D.SATISFACTION, "texts", "tone", True, 90,
        "Mean tone (-1 to 1, by a general English word list) of tickets, incoming mails, notes of calls and meetings "
        "and survey comments of the last 90 days. Each weighs by how much of it the list knows, and by its writer: "
        "sponsors, buyers, chiefs and vice presidents three times, champions twice. Needs 3 texts with a known word. "
        "A cold start: not learnt from your own texts.",
        "texts", (-0.5, -0.1, 0.2, 0.6), (0, 35, 65, 100), 2,
        "What they write sounds good ({v:+.2f} on a scale to 1)", "What they write sounds neutral",
        "What they write sounds bad (−{v:.2f} on a scale to −1)",
    ),
    Indicator(
        "satisfaction.comment_sentiment_180d", "Tone of survey comments", D.SATISFACTION, "texts", "tone", True, 180,
        "The same of survey comments alone, over the last 180 days. Needs 1 comment with a known word.",
        "texts", (-0.5, -0.1, 0.2, 0.6), (0, 35, 65, 100), 0,
        "Survey comments sound good ({v:+.2f} on a scale to 1)", "Survey comments sound neutral",
        "Survey comments sound bad (−{v:.2f} on a scale to −1)",
    ),
)  # fmt: skip
