"""What a snapshot keeps of each indicator, and how it reads: figures in arrays, words and subtotals made from them.

A snapshot holds one whole number (or float) an indicator and the number of the layout that names them. That is a
tenth of the same as JSON, and a day of 10,000 accounts is written in a fifth of the time (ADR 0013). A layout is
never changed: an indicator that comes or goes makes a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from scoring.catalogue import BY_KEY, Dimension, Missing

LAYOUTS: dict[int, tuple[str, ...]] = {
    1: (
        "usage.active_users_per_seat", "usage.trend_30d", "usage.days_since_last", "usage.breadth",
        "engagement.last_two_way_contact", "engagement.meetings_90d", "engagement.inbound_share",
        "satisfaction.nps_latest", "satisfaction.csat_90d", "satisfaction.change", "satisfaction.ticket_spike",
        "satisfaction.open_escalations", "satisfaction.slow_replies", "business.overdue_days",
        "business.late_payments", "business.notice_given", "business.days_to_renewal", "business.adverse_news_90d",
        "stakeholders.champion_present", "stakeholders.active_contacts", "stakeholders.sponsor_contact_days",
        "outcomes.objectives_overdue", "outcomes.milestones_late",
    ),
    2: (
        # usage
        "usage.active_users_per_seat", "usage.trend_30d", "usage.days_since_last", "usage.breadth",
        "usage.level_of_best", "usage.volatility", "usage.error_rate", "usage.features_abandoned",
        "usage.login_frequency", "usage.api_trend", "usage.data_trend",
        # engagement
        "engagement.last_two_way_contact", "engagement.meetings_90d", "engagement.inbound_share",
        "engagement.reply_hours", "engagement.unanswered", "engagement.trainings_365d",
        # community, which no dimension of its own has
        "engagement.community_posts", "engagement.docs_contributions", "engagement.talks", "engagement.beta_programs",
        # satisfaction
        "satisfaction.nps_latest", "satisfaction.csat_90d", "satisfaction.change", "satisfaction.ticket_spike",
        "satisfaction.open_escalations", "satisfaction.slow_replies", "satisfaction.escalations_90d",
        "satisfaction.backlog", "satisfaction.resolution_days", "satisfaction.nps_change", "satisfaction.nps_silence",
        "satisfaction.ces_180d", "satisfaction.text_sentiment_90d", "satisfaction.comment_sentiment_180d",
        # feedback, whatever it says
        "satisfaction.answers_365d", "satisfaction.feedback_365d",
        # business
        "business.overdue_days", "business.late_payments", "business.notice_given", "business.days_to_renewal",
        "business.adverse_news_90d", "business.arrears_share", "business.price_change", "business.discount",
        "business.seats_change", "business.auto_renew", "business.contract_length", "business.downgrades_365d",
        "business.contract_value", "business.room_to_grow", "business.layoffs_180d",
        "business.leadership_change_180d", "business.competitor_news_180d",
        "business.competitor_mentions_90d",
        # stakeholders
        "stakeholders.champion_present", "stakeholders.active_contacts", "stakeholders.sponsor_contact_days",
        "stakeholders.multi_threading", "stakeholders.champion_strength", "stakeholders.champion_vulnerability",
        "stakeholders.executive_depth", "stakeholders.single_threaded", "stakeholders.department_spread",
        # outcomes
        "outcomes.objectives_overdue", "outcomes.milestones_late", "outcomes.objectives_reached",
        "outcomes.value_realised", "outcomes.objective_progress", "outcomes.onboarding_in_time",
        "outcomes.onboarding_stuck_days", "outcomes.time_to_first_value",
    ),
}  # fmt: skip
LAYOUT = max(LAYOUTS)  # the one that is written
# why a value is missing, as `why` numbers it; 0: it is there
MISSING = ("", Missing.NOT_TRACKED.value, Missing.NOT_YET.value, Missing.LATE.value)
NO_SCORE = -1
NO_EVIDENCE = -1


@dataclass(frozen=True)
class Breakdown:
    """One account's figures in the order of its layout. Weights, scores and points are whole hundredths."""

    day: date
    layout: int
    weights: Sequence[int]  # 0: the policy does not use it
    scores: Sequence[int]  # of 10,000; NO_SCORE where there is no value
    points: Sequence[int]
    lost: Sequence[int]
    values: Sequence[float]  # in the indicator's unit; NaN where there is none
    why: Sequence[int]  # place in MISSING
    newest_ago: Sequence[int]  # days from the newest evidence to `day`; NO_EVIDENCE without any
    # what the sentences need beyond the value: {"names": {key: text}, "days": {key: window of its own}}
    about: Mapping[str, Mapping[str, Any]] | None = None

    def indicators(self) -> list[dict[str, Any]]:
        """Each indicator that counts: value, score, weight, points, what is missing, newest evidence, words."""
        return [self._indicator(at) for at, weight in enumerate(self.weights) if weight]

    def everything(self) -> list[dict[str, Any]]:
        """The same of every indicator, also of those that the policy gives no weight."""
        return [self._indicator(at) for at in range(len(self.weights))]

    def _indicator(self, at: int) -> dict[str, Any]:
        key = LAYOUTS[self.layout][at]
        found: dict[str, Any] = {
            "key": key,
            "dimension": key.partition(".")[0],
            "weight": self.weights[at] / 100,
            "points": self.points[at] / 100,
            "latest": self._day(at),
        }
        if self.scores[at] == NO_SCORE:
            return found | {"value": None, "score": None, "missing": MISSING[self.why[at]], "text": ""}
        return found | {
            "value": self.values[at],
            "score": self.scores[at] / 100,
            "missing": "",
            "text": words(key, self.values[at], self.about),
            "lost": self.lost[at] / 100,
        }

    def _day(self, at: int) -> str | None:
        ago = self.newest_ago[at]
        return None if ago == NO_EVIDENCE else str(self.day - timedelta(days=ago))

    def dimensions(self) -> dict[str, dict[str, Any]]:
        """Subtotals: points and lost points add up to health and to 100 - health."""
        keys = LAYOUTS[self.layout]
        counted = [at for at, weight in enumerate(self.weights) if weight]
        parts = {
            name.value: [at for at in counted if keys[at].startswith(f"{name.value}.")] for name in Dimension
        }
        return {name: self._subtotal(part) for name, part in parts.items() if part}

    def _subtotal(self, part: list[int]) -> dict[str, Any]:
        known = [at for at in part if self.scores[at] != NO_SCORE]
        weight, present = (sum(self.weights[at] for at in some) for some in (part, known))
        weighted = sum(self.weights[at] * self.scores[at] for at in known)
        wanted = sum(
            self.weights[at] for at in part if self.scores[at] != NO_SCORE or not self._is_optional(at)
        )
        ages = [self.newest_ago[at] for at in known if self.newest_ago[at] != NO_EVIDENCE]
        return {
            "score": half_up(weighted, present) / 100 if present else None,
            "weight": weight / 100,
            "points": sum(self.points[at] for at in part) / 100,
            "lost": sum(self.lost[at] for at in part) / 100,
            "coverage": half_up(10_000 * present, max(wanted, 1)) / 100,
            "latest": str(self.day - timedelta(days=min(ages))) if ages else None,
        }

    def _is_optional(self, at: int) -> bool:
        """Whether having no value is no gap."""
        found = BY_KEY.get(LAYOUTS[self.layout][at])
        return found is not None and found.optional


def words(key: str, value: float, about: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The value as a sentence; an indicator that is no longer declared has none."""
    if key not in BY_KEY:
        return ""
    about = about or {}
    return BY_KEY[key].say(
        value, names=about.get("names", {}).get(key, ""), days=about.get("days", {}).get(key)
    )


def half_up(top: int, bottom: int) -> int:
    """top / bottom to the nearest whole number; halves go up."""
    return (2 * top + bottom) // (2 * bottom)
