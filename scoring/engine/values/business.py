"""Values of the business indicators."""

import numpy as np

from scoring.engine.values.base import Floats, Formula, Raw, needs, ratio, zero_if_silent


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


FORMULAS: dict[str, Formula] = {
    "business.overdue_days": overdue_days,
    "business.late_payments": late_payments,
    "business.notice_given": notice_given,
    "business.days_to_renewal": days_to_renewal,
    "business.adverse_news_90d": lambda raw: zero_if_silent(raw["company_events.adverse_90"]),
}
NEWEST: dict[str, str] = {
    "business.notice_given": "subscriptions.noticed_ago",
}
