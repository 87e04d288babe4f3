"""The indicators that health can be made of, declared as data: what each measures, from which evidence, in words.

The arithmetic behind each key is in `scoring.engine.values`, the evidence query in `scoring.features`. Weights and
curves here are only the defaults of a new tenant's first policy: a usual value scores about 65, so that a fall
shows and excellence too. Adding one: docs/scoring.md, "A new indicator".
"""

from dataclasses import dataclass
from enum import StrEnum


class Dimension(StrEnum):
    USAGE = "usage"
    ENGAGEMENT = "engagement"
    SATISFACTION = "satisfaction"
    BUSINESS = "business"
    STAKEHOLDERS = "stakeholders"
    OUTCOMES = "outcomes"


class Missing(StrEnum):
    """Why an indicator has no value. Each is different from zero, and from each other."""

    NOT_TRACKED = "not_tracked"  # this tenant (for usage: this account) sends no such data
    NOT_YET = "not_yet"  # the source is there, but has too little about this account
    LATE = "late"  # the source has fallen silent for every account


MISSING_WORDS = {
    Missing.NOT_TRACKED: "Not tracked",
    Missing.NOT_YET: "Not enough data yet",
    Missing.LATE: "The source is late",
}


@dataclass(frozen=True)
class Source:
    """One kind of evidence. `fresh_days`: silent for longer, for all accounts, and it counts as late; 0: no limit."""

    key: str
    label: str
    fresh_days: int


SOURCES = {
    source.key: source
    for source in (
        Source("usage", "Product usage", 14),
        Source("activities", "Mails, calls and meetings", 30),
        Source("tickets", "Support tickets", 60),
        Source("surveys", "Surveys", 400),
        Source("invoices", "Invoices", 120),
        Source("subscriptions", "Subscriptions", 0),
        Source("contacts", "Contacts", 0),
        Source("objectives", "Objectives", 0),
        Source("milestones", "Milestones", 0),
        Source("company_events", "Company news", 0),
    )
}


@dataclass(frozen=True)
class Indicator:
    """One declared indicator. `xs` and `ys` are its default curve: value xs[i] gives ys[i] points of 100."""

    key: str
    label: str
    dimension: Dimension
    group: str
    unit: str  # share, ratio, days, count, score, change, yes_no, points
    higher_is_better: bool
    window_days: int
    formula: str
    source: str  # a key of SOURCES
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    weight: float
    text: str  # what a value reads like; see say()
    text_zero: str = ""  # when the value is zero
    text_negative: str = ""  # when it is below zero; the value is given without its sign
    also: str = ""  # a second source that can give the value alone

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source, self.also) if self.also else (self.source,)

    @property
    def freshness_days(self) -> int:
        """How long its source may be silent for everybody before the value counts as missing; 0: for ever."""
        return SOURCES[self.source].fresh_days

    def say(self, value: float) -> str:
        """The value as a short plain sentence; the same on every page, in the export and in the audit trail."""
        form = self.text
        if value < 0 and self.text_negative:
            form, value = self.text_negative, -value
        elif value == 0 and self.text_zero:
            form = self.text_zero
        return form.format(v=value, pct=value * 100, s="" if round(value) == 1 else "s")


D = Dimension
INDICATORS: tuple[Indicator, ...] = (
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
    Indicator(
        "business.overdue_days", "Days overdue", D.BUSINESS, "payment", "days", False, 0,
        "Days that the oldest unpaid invoice is past its due date.",
        "invoices", (0, 10, 30, 60), (100, 70, 30, 0), 2,
        "Oldest unpaid invoice is {v:.0f} day{s} overdue", "No invoice is overdue",
    ),
    Indicator(
        "business.late_payments", "Late payments", D.BUSINESS, "payment", "share", False, 365,
        "Of the invoices that fell due in the last 365 days, at least 5 days ago: the share paid, or still unpaid, "
        "more than 5 days late. Needs 2 invoices.",
        "invoices", (0, 0.25, 0.5, 1), (100, 70, 35, 0), 2,
        "{pct:.0f}% of invoices paid more than 5 days late", "Invoices were paid on time for a year",
    ),
    Indicator(
        "business.notice_given", "Notice given", D.BUSINESS, "contract", "yes_no", False, 0,
        "Active terms for which notice of cancellation was given.",
        "subscriptions", (0, 1), (100, 0), 2,
        "Notice of cancellation given", "No notice given",
    ),
    Indicator(
        "business.days_to_renewal", "Days to the next decision", D.BUSINESS, "contract", "days", True, 365,
        "Days until the first active term ends that does not renew by itself (or has notice given); 365 where there is "
        "none; below zero when every term has run out.",
        "subscriptions", (0, 30, 90, 180), (10, 45, 75, 100), 3,
        "A term ends in {v:.0f} day{s}", "A term ends today", "The last term ran out {v:.0f} day{s} ago",
    ),
    Indicator(
        "business.adverse_news_90d", "Adverse company news", D.BUSINESS, "company", "count", False, 90,
        "News of layoffs, acquisition, change of leadership, restructuring or a competitor in the last 90 days.",
        "company_events", (0, 1, 3), (100, 55, 0), 1,
        "{v:.0f} piece{s} of adverse company news in 90 days", "No adverse company news in 90 days",
    ),
    Indicator(
        "stakeholders.champion_present", "Champion", D.STAKEHOLDERS, "people", "count", True, 0,
        "Contacts with the role champion who have not left. Needs contacts for the account.",
        "contacts", (0, 1, 2), (0, 80, 100), 4,
        "{v:.0f} champion{s} in place", "No champion in place",
    ),
    Indicator(
        "stakeholders.active_contacts", "People in touch", D.STAKEHOLDERS, "people", "count", True, 90,
        "Different people who took part in an activity in the last 90 days and have not left.",
        "activities", (0, 1, 2, 4, 6), (0, 25, 50, 80, 100), 5,
        "{v:.0f} contact{s} in touch in 90 days", "Nobody in touch in 90 days",
    ),
    Indicator(
        "stakeholders.sponsor_contact_days", "Contact with a sponsor", D.STAKEHOLDERS, "people", "days", False, 365,
        "Days since the newest two-way contact with a sponsor, buyer, vice president or chief who has not left. Where "
        "none is recorded: days since the account's records begin, 365 at most.",
        "activities", (14, 45, 90, 180), (100, 75, 40, 0), 3,
        "Last contact with a sponsor {v:.0f} day{s} ago",
    ),
    Indicator(
        "outcomes.objectives_overdue", "Objectives overdue", D.OUTCOMES, "objectives", "share", False, 365,
        "Of the objectives that fell due in the last 365 days: the share not reached.",
        "objectives", (0, 0.3, 0.6, 1), (100, 70, 35, 0), 6,
        "{pct:.0f}% of the objectives due were not reached", "Every objective due was reached",
    ),
    Indicator(
        "outcomes.milestones_late", "Milestones late", D.OUTCOMES, "milestones", "share", False, 365,
        "Of the milestones that fell due in the last 365 days: the share not completed.",
        "milestones", (0, 0.25, 0.5, 1), (100, 75, 40, 0), 4,
        "{pct:.0f}% of the milestones due are not completed", "Every milestone due is completed",
    ),
)  # fmt: skip

BY_KEY = {indicator.key: indicator for indicator in INDICATORS}
DIMENSION_LABELS = {dimension: dimension.value.capitalize() for dimension in Dimension}
