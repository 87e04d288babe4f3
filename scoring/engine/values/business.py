"""Values of the business indicators."""

import numpy as np

from scoring.engine.values.base import Floats, Formula, Raw, needs, ratio, zero_if_silent

MONTH_DAYS = 30.4375


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


def arrears_share(raw: Raw) -> Floats:
    """Zero where nothing is overdue; no value where something is and ARR or a rate is not known."""
    owes = zero_if_silent(raw["arrears.owing"]) > 0
    return needs(raw["invoices.rows"] > 0, np.where(owes, raw["arrears.share"], 0.0))


def seats_change(raw: Raw) -> Floats:
    return ratio(raw["terms.seats_now"], raw["terms.seats_before"]) - 1.0


def contract_length(raw: Raw) -> Floats:
    """Months as given, else from days at the mean length of a month."""
    given = raw["terms.main_months"]
    return np.where(np.isnan(given), raw["terms.main_days"] / MONTH_DAYS, given)


def contract_value(raw: Raw) -> Floats:
    """The place among all customers with a known ARR: the share of them that pays less."""
    arr = raw["money.arr_reporting"]
    known = np.sort(arr[~np.isnan(arr)])
    return needs(~np.isnan(arr), np.searchsorted(known, arr, side="left") / max(known.size, 1))


def room_to_grow(raw: Raw) -> Floats:
    return np.maximum(1.0 - ratio(raw["subscriptions.seats"], raw["terms.employees"]), 0.0)


FORMULAS: dict[str, Formula] = {
    "business.overdue_days": overdue_days,
    "business.late_payments": late_payments,
    "business.notice_given": notice_given,
    "business.days_to_renewal": days_to_renewal,
    "business.adverse_news_90d": lambda raw: zero_if_silent(raw["company_events.adverse_90"]),
    "business.arrears_share": arrears_share,
    "business.price_change": lambda raw: raw["terms.price_change"],
    "business.discount": lambda raw: raw["terms.discount"],
    "business.seats_change": seats_change,
    "business.auto_renew": lambda raw: raw["terms.auto_renew"],
    "business.contract_length": contract_length,
    "business.downgrades_365d": lambda raw: zero_if_silent(raw["outcomes.downgraded_365"]),
    "business.contract_value": contract_value,
    "business.room_to_grow": room_to_grow,
    "business.layoffs_180d": lambda raw: zero_if_silent(raw["company_events.layoffs_180"]),
    "business.leadership_change_180d": lambda raw: zero_if_silent(raw["company_events.leaders_180"]),
    "business.competitor_news_180d": lambda raw: zero_if_silent(raw["company_events.competitor_180"]),
    "business.competitor_mentions_90d": lambda raw: zero_if_silent(raw["competitors.mentions"]),
}
NEWEST: dict[str, str] = {
    "business.notice_given": "subscriptions.noticed_ago",
    "business.downgrades_365d": "outcomes.downgraded_ago",
    "business.layoffs_180d": "company_events.layoffs_ago",
    "business.leadership_change_180d": "company_events.leaders_ago",
    "business.competitor_news_180d": "company_events.competitor_ago",
}
