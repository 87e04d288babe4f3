"""Values of the usage indicators."""

import numpy as np

from scoring.engine.values.base import Floats, Formula, Raw, needs, ratio

USAGE_REACH_DAYS = 180


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


FORMULAS: dict[str, Formula] = {
    "usage.active_users_per_seat": active_users_per_seat,
    "usage.trend_30d": usage_trend,
    "usage.days_since_last": days_since_last_use,
    "usage.breadth": usage_breadth,
}
NEWEST: dict[str, str] = {
    "usage.days_since_last": "usage.active_ago",
}
