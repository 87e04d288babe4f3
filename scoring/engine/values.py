"""From raw figures to indicator values: one function a key, arrays in, arrays out, NaN where there is no value.

`raw` holds one array a figure, aligned by account, NaN where the evidence has nothing. `*_ago` figures are whole days
before the scored day (1 is the day before). Nothing here knows a database, a tenant or today's date.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Raw = Mapping[str, Floats]

MAX_QUIET_DAYS = 365
USAGE_REACH_DAYS = 180
BASELINE_DAYS = 180
MIN_BASELINE_DAYS = 60


def ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where either is unknown or bottom is not above zero."""
    known = bottom > 0
    return np.where(known, top / np.where(known, bottom, 1.0), np.nan)


def needs(condition: NDArray[np.bool_], value: Floats) -> Floats:
    return np.where(condition, value, np.nan)


def zero_if_silent(count: Floats) -> Floats:
    """No row of a source that is there means zero of them. Whether the source is there is asked elsewhere."""
    return np.nan_to_num(count, nan=0.0)


def seen_days(raw: Raw, source: str) -> Floats:
    """How long the account's silence could have been noticed: since it is a customer and since the source began."""
    return np.minimum(raw["tenure_days"], raw[f"{source}.source_first_ago"])


def active_users_per_seat(raw: Raw) -> Floats:
    mean = ratio(raw["usage.users_sum_30"], raw["usage.users_days_30"])
    return needs(raw["usage.users_days_30"] >= 7, ratio(mean, raw["subscriptions.seats"]))


def usage_trend(raw: Raw) -> Floats:
    def trend(name: str) -> Floats:
        now = ratio(raw[f"usage.{name}_sum_30"], raw[f"usage.{name}_days_30"])
        before = ratio(raw[f"usage.{name}_sum_60"], raw[f"usage.{name}_days_60"])
        enough = (raw[f"usage.{name}_days_30"] >= 10) & (raw[f"usage.{name}_days_60"] >= 20)
        return needs(enough, ratio(now, before) - 1.0)

    events = trend("events")
    return np.where(np.isnan(events), trend("users"), events)


def days_since_last_use(raw: Raw) -> Floats:
    """Rows without any use mean quiet since the first of them; no rows at all mean not tracked."""
    quiet = np.where(np.isnan(raw["usage.active_ago"]), raw["usage.first_ago"], raw["usage.active_ago"])
    return np.minimum(quiet, USAGE_REACH_DAYS)


def usage_breadth(raw: Raw) -> Floats:
    mean = needs(
        raw["usage.features_days_30"] >= 7, ratio(raw["usage.features_sum_30"], raw["usage.features_days_30"])
    )
    known = np.sort(mean[~np.isnan(mean)])
    if known.size == 0:
        return mean
    broad = known[int(0.9 * (known.size - 1))]  # a value that occurs, so no interpolation can differ
    return np.minimum(ratio(mean, np.full_like(mean, broad)), 1.0)


def last_two_way(raw: Raw) -> Floats:
    return _quiet_days(raw, raw["activities.two_way_ago"])


def _quiet_days(raw: Raw, ago: Floats) -> Floats:
    silent = np.isnan(ago)
    return np.minimum(np.where(silent, seen_days(raw, "activities"), ago), MAX_QUIET_DAYS)


def inbound_share(raw: Raw) -> Floats:
    both = raw["activities.mails_in_90"] + raw["activities.mails_out_90"]
    return needs(both >= 3, ratio(raw["activities.mails_in_90"], both))


def sponsor_contact(raw: Raw) -> Floats:
    return needs(raw["contacts.sponsors"] > 0, _quiet_days(raw, raw["people.sponsor_ago"]))


def nps_latest(raw: Raw) -> Floats:
    return ratio(raw["surveys.nps_sum"], raw["surveys.nps_count"])


def csat_90d(raw: Raw) -> Floats:
    total = zero_if_silent(raw["tickets.csat_sum_90"]) + zero_if_silent(raw["surveys.csat_sum_90"])
    count = zero_if_silent(raw["tickets.csat_count_90"]) + zero_if_silent(raw["surveys.csat_count_90"])
    return ratio(total, count)


def satisfaction_change(raw: Raw) -> Floats:
    """Ratings arrive as whole parts of 120, so that sums are exact; the answer is in points of 100."""

    def part(window: str) -> tuple[Floats, Floats]:
        total = zero_if_silent(raw[f"tickets.rating_sum_{window}"]) + zero_if_silent(
            raw[f"surveys.rating_sum_{window}"]
        )
        count = zero_if_silent(raw[f"tickets.rating_count_{window}"]) + zero_if_silent(
            raw[f"surveys.rating_count_{window}"]
        )
        return ratio(total, count), count

    (now, now_count), (before, before_count) = part("now"), part("before")
    return needs((now_count >= 2) & (before_count >= 2), (now - before) / 1.2)


def ticket_spike(raw: Raw) -> Floats:
    observed = np.minimum(seen_days(raw, "tickets") - 30, BASELINE_DAYS)
    usual = zero_if_silent(raw["tickets.opened_before"]) * 30.0 / np.maximum(observed, 1.0)
    now = zero_if_silent(raw["tickets.opened_30"])
    return needs(observed >= MIN_BASELINE_DAYS, (now + 1.0) / (usual + 1.0))


def overdue_days(raw: Raw) -> Floats:
    """An account with invoices and none overdue is at zero; one without invoices has no value."""
    return needs(raw["invoices.rows"] > 0, zero_if_silent(raw["invoices.overdue_days"]))


def late_payments(raw: Raw) -> Floats:
    return needs(raw["invoices.due_365"] >= 2, ratio(raw["invoices.late_365"], raw["invoices.due_365"]))


def notice_given(raw: Raw) -> Floats:
    return needs(raw["subscriptions.active"] > 0, (raw["subscriptions.noticed"] > 0).astype(float))


def days_to_renewal(raw: Raw) -> Floats:
    decision = np.where(np.isnan(raw["subscriptions.decision_in"]), 365.0, raw["subscriptions.decision_in"])
    active = raw["subscriptions.active"] > 0
    return np.where(active, np.minimum(decision, 365.0), -raw["subscriptions.ended_ago"])


def champion_present(raw: Raw) -> Floats:
    return needs(raw["contacts.rows"] > 0, raw["contacts.champions"])


FORMULAS: dict[str, Callable[[Raw], Floats]] = {
    "usage.active_users_per_seat": active_users_per_seat,
    "usage.trend_30d": usage_trend,
    "usage.days_since_last": days_since_last_use,
    "usage.breadth": usage_breadth,
    "engagement.last_two_way_contact": last_two_way,
    "engagement.meetings_90d": lambda raw: zero_if_silent(raw["activities.meetings_90"]),
    "engagement.inbound_share": inbound_share,
    "satisfaction.nps_latest": nps_latest,
    "satisfaction.csat_90d": csat_90d,
    "satisfaction.change": satisfaction_change,
    "satisfaction.ticket_spike": ticket_spike,
    "satisfaction.open_escalations": lambda raw: zero_if_silent(raw["tickets.escalations_open"]),
    "satisfaction.slow_replies": lambda raw: ratio(raw["tickets.slow_90"], raw["tickets.answerable_90"]),
    "business.overdue_days": overdue_days,
    "business.late_payments": late_payments,
    "business.notice_given": notice_given,
    "business.days_to_renewal": days_to_renewal,
    "business.adverse_news_90d": lambda raw: zero_if_silent(raw["company_events.adverse_90"]),
    "stakeholders.champion_present": champion_present,
    "stakeholders.active_contacts": lambda raw: zero_if_silent(raw["people.active_90"]),
    "stakeholders.sponsor_contact_days": sponsor_contact,
    "outcomes.objectives_overdue": lambda raw: ratio(raw["objectives.missed_365"], raw["objectives.due_365"]),
    "outcomes.milestones_late": lambda raw: ratio(raw["milestones.late_365"], raw["milestones.due_365"]),
}

# the raw figure that dates the newest evidence behind an indicator, where it is not its source's newest row
NEWEST: dict[str, str] = {
    "usage.days_since_last": "usage.active_ago",
    "engagement.last_two_way_contact": "activities.two_way_ago",
    "satisfaction.nps_latest": "surveys.nps_ago",
    "satisfaction.open_escalations": "tickets.escalated_ago",
    "business.notice_given": "subscriptions.noticed_ago",
    "stakeholders.champion_present": "contacts.champion_left_ago",
    "stakeholders.sponsor_contact_days": "people.sponsor_ago",
}
