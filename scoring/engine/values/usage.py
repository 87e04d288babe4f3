"""Values of the usage indicators."""

import numpy as np

from scoring.engine.values.base import Floats, Formula, Raw, needs, ratio

ONE_IN = 3  # days of a stretch that is compared must have the metric: 10 of 30
WEEK = 7


def active_users_per_seat(raw: Raw) -> Floats:
    mean = ratio(raw["usage.users_sum_30"], raw["usage.users_days_30"])
    return needs(raw["usage.users_days_30"] >= 7, ratio(mean, raw["subscriptions.seats"]))


def trend(raw: Raw, name: str, key: str) -> Floats:
    """Mean of a day in the last third of the window against the rest, as a change; needs a third of the days of both.

    Declared are 90 days: 30 against 60, of which 10 and 20 are needed.
    """
    now = ratio(raw[f"usage.{name}_sum_now"], raw[f"usage.{name}_days_now"])
    before = ratio(raw[f"usage.{name}_sum_before"], raw[f"usage.{name}_days_before"])
    recent = raw[f"window.{key}.now"]
    enough = (ONE_IN * raw[f"usage.{name}_days_now"] >= recent) & (
        ONE_IN * raw[f"usage.{name}_days_before"] >= raw[f"window.{key}"] - recent
    )
    return needs(enough, ratio(now, before) - 1.0)


def either(of_events: Floats, of_users: Floats) -> Floats:
    """What core events say; where they say nothing, what active users say."""
    return np.where(np.isnan(of_events), of_users, of_events)


def usage_trend(raw: Raw) -> Floats:
    return either(trend(raw, "events", "usage.trend_30d"), trend(raw, "users", "usage.trend_30d"))


def level_of_best(raw: Raw) -> Floats:
    def level(name: str) -> Floats:
        now = ratio(raw[f"usage.{name}_sum_month"], raw[f"usage.{name}_days_month"])
        enough = (raw[f"usage.{name}_days_month"] >= 10) & (raw[f"usage.{name}_months"] >= 3)
        return needs(enough, np.minimum(ratio(now, raw[f"usage.{name}_peak"]), 1.0))

    return either(level("events"), level("users"))


def volatility(raw: Raw) -> Floats:
    weeks = raw["window.usage.volatility"] // WEEK

    def spread(name: str) -> Floats:
        share = ratio(raw[f"usage_weeks.{name}_spread"], raw[f"usage_weeks.{name}_mean"])
        return needs(4 * raw[f"usage_weeks.{name}_weeks"] >= 3 * weeks, share)

    return either(spread("events"), spread("users"))


def error_rate(raw: Raw) -> Floats:
    return needs(raw["usage.errors_days"] >= 7, ratio(raw["usage.errors_sum"], raw["usage.errors_events"]))


def login_frequency(raw: Raw) -> Floats:
    return needs(raw["usage.logins_days"] >= 7, ratio(raw["usage.logins_sum"], raw["usage.logins_users"]))


def features_abandoned(raw: Raw) -> Floats:
    """No detail at all in the part that is now is a feed that stopped, not everything given up."""
    return needs(
        (raw["usage_detail.days_now"] > 0) & (raw["usage_detail.regular"] > 0), raw["usage_detail.abandoned"]
    )


def days_since_last_use(raw: Raw) -> Floats:
    """Rows without any use mean quiet since the first of them; no rows at all mean not tracked."""
    quiet = np.where(np.isnan(raw["usage.active_ago"]), raw["usage.quiet_ago"], raw["usage.active_ago"])
    return np.minimum(quiet, raw["window.usage.days_since_last"])


def usage_breadth(raw: Raw) -> Floats:
    mean = needs(
        raw["usage.features_days"] >= 7, ratio(raw["usage.features_sum"], raw["usage.features_days"])
    )
    known = np.sort(mean[~np.isnan(mean)])
    if known.size == 0:
        return mean
    broad = known[int(0.9 * (known.size - 1))]  # a value that occurs, so no interpolation can differ
    return np.minimum(ratio(mean, np.full_like(mean, broad)), 1.0)


FORMULAS: dict[str, Formula] = {
    "usage.active_users_per_seat": active_users_per_seat,
    "usage.trend_30d": usage_trend,
    "usage.days_since_last": days_since_last_use,
    "usage.breadth": usage_breadth,
    "usage.level_of_best": level_of_best,
    "usage.volatility": volatility,
    "usage.error_rate": error_rate,
    "usage.features_abandoned": features_abandoned,
    "usage.login_frequency": login_frequency,
    "usage.api_trend": lambda raw: trend(raw, "api", "usage.api_trend"),
    "usage.data_trend": lambda raw: trend(raw, "data", "usage.data_trend"),
}
NEWEST: dict[str, str] = {
    "usage.days_since_last": "usage.active_ago",
}
