"""What the product was used for: usage_daily.csv and usage_detail.csv.

Every window may be a policy's own (`%(<key>)s` days, `%(<key>.now)s` of them now where an indicator compares), so days
are first added up between the edges of all windows in force, counted back from the day: then every window is a sum of
a few small rows, and a row of the table is looked at once for each metric instead of once for each window.
"""

from collections.abc import Mapping, Sequence
from math import gcd

# Usage is float8, whose sums change with the order of rows; in ten-thousandths as whole numbers they cannot, and cost a
# third of numeric's. What would not fit (over 900 trillion a day) counts as that much; unknown stays unknown.
_EXACT = "(CASE WHEN {0} < 9e14 THEN {0} WHEN {0} >= 9e14 THEN 9e14 END * 10000)::bigint"
_USERS, _EVENTS, _FEATURES, _ERRORS, _LOGINS, _API, _DATA = (
    _EXACT.format(name)
    for name in (
        "active_users", "core_events", "features_used", "errors", "logins", "api_calls", "data_gb",
    )
)  # fmt: skip
TRACKED, DETAIL_TRACKED = 180, 90  # days in which an account has rows, or is not tracked
MONTH = 30  # days of the periods among which the best is looked for
LEAST_STEP = 10  # days that parts of equal length have at least
_QUIET = f"greatest({TRACKED}, %(usage.days_since_last)s)"  # how far back the last use is looked for
_LEVEL, _TREND, _BEST = "usage.active_users_per_seat", "usage.trend_30d", "usage.level_of_best"
_COMPARED = {"users": _TREND, "events": _TREND, "api": "usage.api_trend", "data": "usage.data_trend"}


def edges(spans: Mapping[str, int]) -> list[int]:
    """Days before the day at which any figure of USAGE begins or ends, ascending; no window lies between two.

    `spans`: days by indicator key, and by `<key>.now`. The last one is how far back the statement reads.
    """
    found = {TRACKED, MONTH, spans["usage.days_since_last"], spans[_LEVEL]}
    for key in set(_COMPARED.values()):
        found |= {spans[key], spans[f"{key}.now"]}
    found |= set(range(MONTH, spans[_BEST] + 1, MONTH))
    reach = max(
        *found, *(spans[key] for key in ("usage.breadth", "usage.error_rate", "usage.login_frequency"))
    )
    return sorted(found | {reach})


def step(edges: Sequence[int]) -> int:
    """Parts of this many days each have all edges between them; 0: such parts would be too many.

    To divide is cheaper than to look each day up among the edges (0.32 s against 0.43 s for 300,000 rows).
    """
    found = gcd(*edges)
    return found if found >= LEAST_STEP else 0


def _since(key: str) -> str:
    """Days in the window of this key."""
    return f"day >= %(day)s::date - %({key})s"


def _sums(name: str, within: str, called: str) -> str:
    """Days with the metric and its sum, over the parts that lie in a stretch."""
    return (
        f"sum({name}_days) FILTER (WHERE {within}) AS {name}_days_{called},\n       "
        f"sum({name}_sum) FILTER (WHERE {within}) / 10000 AS {name}_sum_{called}"
    )


def _back(days: str) -> str:
    """Parts that lie wholly in the last so many days."""
    return f"first >= %(day)s::date - {days}"


def _trend(name: str) -> str:
    """Over the part of the window that is now, and over the rest of it."""
    key = _COMPARED[name]
    now, before = _back(f"%({key}.now)s"), f"{_back(f'%({key})s')} AND last < %(day)s::date - %({key}.now)s"
    return f"{_sums(name, now, 'now')},\n       {_sums(name, before, 'before')}"


def _peak(name: str) -> str:
    """The best mean of a day over the months of 30 days that have 10 days, and how many such months there are."""
    known = f"FILTER (WHERE {name}_days >= 10)"
    return (
        f"max({name}_sum / {name}_days) {known} / 10000 AS {name}_peak,\n"
        f"           count(*) {known} AS {name}_months"
    )


# the step is a number in the text, so the planner keeps one of the two
_PART = (
    "CASE WHEN %(usage_step)s > 0 THEN (%(day)s::date - 1 - day) / greatest(%(usage_step)s, 1) "
    "ELSE width_bucket(%(day)s::date - 1 - day, %(usage_edges)s::int[]) END"
)
_BREADTH, _ERROR, _LOGIN = (
    _since(key) for key in ("usage.breadth", "usage.error_rate", "usage.login_frequency")
)
USAGE = f"""
WITH parts AS MATERIALIZED (
    SELECT account_id, {_PART} AS part,
           count(*) AS rows, min(day) AS first, max(day) AS last,
           max(day) FILTER (
               WHERE active_users > 0 OR core_events > 0 OR sessions > 0 OR logins > 0) AS active,
           count(active_users) AS users_days, sum({_USERS})::float8 AS users_sum,
           count(core_events) AS events_days, sum({_EVENTS})::float8 AS events_sum,
           count(features_used) FILTER (WHERE {_BREADTH}) AS features_days,
           sum({_FEATURES}) FILTER (WHERE {_BREADTH})::float8 AS features_sum,
           count(errors + core_events) FILTER (WHERE {_ERROR}) AS errors_days,
           sum({_ERRORS}) FILTER (WHERE {_ERROR})::float8 AS errors_sum,
           sum({_EVENTS}) FILTER (WHERE {_ERROR} AND errors IS NOT NULL)::float8 AS errors_events,
           count(logins + active_users) FILTER (WHERE {_LOGIN}) AS logins_days,
           sum({_LOGINS}) FILTER (WHERE {_LOGIN})::float8 AS logins_sum,
           sum({_USERS}) FILTER (WHERE {_LOGIN} AND logins IS NOT NULL)::float8 AS logins_users,
           count(api_calls) FILTER (WHERE {_since("usage.api_trend")}) AS api_days,
           sum({_API}) FILTER (WHERE {_since("usage.api_trend")})::float8 AS api_sum,
           count(data_gb) FILTER (WHERE {_since("usage.data_trend")}) AS data_days,
           sum({_DATA}) FILTER (WHERE {_since("usage.data_trend")})::float8 AS data_sum
    FROM accounts_usage_day
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND day >= %(day)s::date - %(usage_reach)s AND day < %(day)s::date
    GROUP BY account_id, part
), months AS (
    SELECT account_id, sum(users_days) AS users_days, sum(users_sum) AS users_sum,
           sum(events_days) AS events_days, sum(events_sum) AS events_sum
    FROM parts
    WHERE {_back(f"%({_BEST})s / {MONTH} * {MONTH}")}
    GROUP BY account_id, (%(day)s::date - 1 - last) / {MONTH}
), peaks AS (
    SELECT account_id,
           {_peak("users")},
           {_peak("events")}
    FROM months
    GROUP BY account_id
)
SELECT account_id,
       sum(rows) FILTER (WHERE {_back(str(TRACKED))}) AS rows,
       %(day)s::date - min(first) FILTER (WHERE {_back(str(TRACKED))}) AS first_ago,
       %(day)s::date - max(last) FILTER (WHERE {_back(str(TRACKED))}) AS last_ago,
       %(day)s::date - max(active) FILTER (WHERE {_back(_QUIET)}) AS active_ago,
       %(day)s::date - min(first) FILTER (WHERE {_back(_QUIET)}) AS quiet_ago,
       {_sums("users", _back(f"%({_LEVEL})s"), "30")},
       {_sums("users", _back(str(MONTH)), "month")},
       {_sums("events", _back(str(MONTH)), "month")},
       {_trend("users")},
       {_trend("events")},
       {_trend("api")},
       {_trend("data")},
       sum(features_days) AS features_days, sum(features_sum) / 10000 AS features_sum,
       sum(errors_days) AS errors_days, sum(errors_sum) / 10000 AS errors_sum,
       sum(errors_events) / 10000 AS errors_events,
       sum(logins_days) AS logins_days, sum(logins_sum) / 10000 AS logins_sum,
       sum(logins_users) / 10000 AS logins_users,
       max(users_peak) AS users_peak, max(users_months) AS users_months,
       max(events_peak) AS events_peak, max(events_months) AS events_months
FROM parts LEFT JOIN peaks USING (account_id)
GROUP BY account_id
"""  # noqa: S608  (constants of this module)

# the mean of a day in each whole week of the window that has four days of the metric, and how the weeks differ
USAGE_WEEKS = f"""
WITH weeks AS (
    SELECT account_id,
           CASE WHEN count(active_users) >= 4 THEN sum({_USERS}) / count(active_users) END AS users,
           CASE WHEN count(core_events) >= 4 THEN sum({_EVENTS}) / count(core_events) END AS events
    FROM accounts_usage_day
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND {_since("usage.volatility")} AND day < %(day)s::date
    GROUP BY account_id, (%(day)s::date - 1 - day) / 7
)
SELECT account_id,
       count(users) AS users_weeks, (avg(users) / 10000)::float8 AS users_mean,
       (stddev_pop(users) / 10000)::float8 AS users_spread,
       count(events) AS events_weeks, (avg(events) / 10000)::float8 AS events_mean,
       (stddev_pop(events) / 10000)::float8 AS events_spread
FROM weeks
GROUP BY account_id
"""  # noqa: S608

# Regularly used: at the pace of 8 of 60 days or more, in the part of the window that is before; hardly any more: at
# most at a quarter of the own pace, in the part that is now.
REGULAR, REGULAR_OF, SLOWED = 8, 60, 4
GIVEN_UP = "usage.features_abandoned"
_WINDOW, _RECENT = f"%({GIVEN_UP})s", f"%({GIVEN_UP}.now)s"
_IS_REGULAR = f"before * {REGULAR_OF} >= {REGULAR} * ({_WINDOW} - {_RECENT})"
IS_GIVEN_UP = f"{_IS_REGULAR} AND now * {SLOWED} * ({_WINDOW} - {_RECENT}) <= before * {_RECENT}"
USAGE_DETAIL = f"""
WITH days AS (
    SELECT DISTINCT account_id, product, feature, day
    FROM accounts_usage_detail
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND day >= %(day)s::date - greatest({DETAIL_TRACKED}, {_WINDOW}) AND day < %(day)s::date AND count > 0
), features AS (
    SELECT account_id, feature,
           count(*) FILTER (WHERE day >= %(day)s::date - {DETAIL_TRACKED}) AS rows,
           min(day) FILTER (WHERE day >= %(day)s::date - {DETAIL_TRACKED}) AS first, max(day) AS last,
           count(*) FILTER (WHERE day >= %(day)s::date - {_RECENT}) AS now,
           count(*) FILTER (WHERE day < %(day)s::date - {_RECENT} AND {_since(GIVEN_UP)}) AS before
    FROM days
    GROUP BY account_id, product, feature
)
SELECT account_id,
       nullif(sum(rows), 0) AS rows,
       %(day)s::date - min(first) AS first_ago,
       %(day)s::date - max(last) FILTER (WHERE rows > 0) AS last_ago,
       sum(now) AS days_now,
       count(*) FILTER (WHERE {_IS_REGULAR}) AS regular,
       count(*) FILTER (WHERE {IS_GIVEN_UP}) AS abandoned,
       string_agg(feature, '|' ORDER BY before DESC, feature COLLATE "C")
           FILTER (WHERE {IS_GIVEN_UP}) AS abandoned_names
FROM features
GROUP BY account_id
"""  # noqa: S608
