"""What the product was used for: usage_daily.csv and usage_detail.csv."""

# Usage is float8, whose sums change with the order of rows; in ten-thousandths as whole numbers they cannot, and cost a
# third of numeric's. What would not fit (over 900 trillion a day) counts as that much; unknown stays unknown.
_EXACT = "(CASE WHEN {0} < 9e14 THEN {0} WHEN {0} >= 9e14 THEN 9e14 END * 10000)::bigint"
_USERS, _EVENTS, _FEATURES, _ERRORS, _LOGINS, _API, _DATA = (
    _EXACT.format(name)
    for name in (
        "active_users", "core_events", "features_used", "errors", "logins", "api_calls", "data_gb",
    )
)  # fmt: skip
_LAST_30 = "FILTER (WHERE day >= %(day)s::date - 30)"
_LAST_90 = "FILTER (WHERE day >= %(day)s::date - 90)"


def _pivot(name: str, *, before: bool = False) -> str:
    """Days with the metric and its sum over the last 30 days, and if asked over the 60 before."""
    windows = {"30": "month = 0", "60": "month IN (1, 2)"} if before else {"30": "month = 0"}
    return ",\n       ".join(
        f"sum({name}_days) FILTER (WHERE {which}) AS {name}_days_{days},\n       "
        f"sum({name}_sum) FILTER (WHERE {which}) / 10000 AS {name}_sum_{days}"
        for days, which in windows.items()
    )


def _peak(name: str) -> str:
    """The best mean of a day over the months of 30 days that have 10 days, and how many such months there are."""
    known = f"FILTER (WHERE {name}_days >= 10)"
    return (
        f"max({name}_sum / {name}_days) {known} / 10000 AS {name}_peak,\n"
        f"       count(*) {known} AS {name}_months"
    )


# Months of 30 days first, counted back from the day: then every window is a sum of a few small rows, and a row of
# the table is looked at once for each metric instead of once for each window.
USAGE = f"""
WITH months AS (
    SELECT account_id, (%(day)s::date - 1 - day) / 30 AS month,
           count(*) AS rows, min(day) AS first, max(day) AS last,
           max(day) FILTER (
               WHERE active_users > 0 OR core_events > 0 OR sessions > 0 OR logins > 0) AS active,
           count(active_users) AS users_days, sum({_USERS})::float8 AS users_sum,
           count(core_events) AS events_days, sum({_EVENTS})::float8 AS events_sum,
           count(features_used) {_LAST_30} AS features_days, sum({_FEATURES}) {_LAST_30}::float8 AS features_sum,
           count(errors + core_events) {_LAST_30} AS errors_days, sum({_ERRORS}) {_LAST_30}::float8 AS errors_sum,
           sum({_EVENTS}) FILTER (WHERE day >= %(day)s::date - 30 AND errors IS NOT NULL)::float8 AS errors_events,
           count(logins + active_users) {_LAST_30} AS logins_days, sum({_LOGINS}) {_LAST_30}::float8 AS logins_sum,
           sum({_USERS}) FILTER (WHERE day >= %(day)s::date - 30 AND logins IS NOT NULL)::float8 AS logins_users,
           count(api_calls) {_LAST_90} AS api_days, sum({_API}) {_LAST_90}::float8 AS api_sum,
           count(data_gb) {_LAST_90} AS data_days, sum({_DATA}) {_LAST_90}::float8 AS data_sum
    FROM accounts_usage_day
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND day >= %(day)s::date - 180 AND day < %(day)s::date
    GROUP BY account_id, (%(day)s::date - 1 - day) / 30
)
SELECT account_id,
       sum(rows) AS rows,
       %(day)s::date - min(first) AS first_ago,
       %(day)s::date - max(last) AS last_ago,
       %(day)s::date - max(active) AS active_ago,
       {_pivot("users", before=True)},
       {_pivot("events", before=True)},
       {_pivot("api", before=True)},
       {_pivot("data", before=True)},
       {_pivot("features")},
       {_pivot("errors")},
       sum(errors_events) FILTER (WHERE month = 0) / 10000 AS errors_events_30,
       {_pivot("logins")},
       sum(logins_users) FILTER (WHERE month = 0) / 10000 AS logins_users_30,
       {_peak("users")},
       {_peak("events")}
FROM months
GROUP BY account_id
"""  # noqa: S608  (constants of this module)

# the mean of a day in each of the last eight weeks that has four days of the metric, and how the weeks differ
USAGE_WEEKS = f"""
WITH weeks AS (
    SELECT account_id,
           CASE WHEN count(active_users) >= 4 THEN sum({_USERS}) / count(active_users) END AS users,
           CASE WHEN count(core_events) >= 4 THEN sum({_EVENTS}) / count(core_events) END AS events
    FROM accounts_usage_day
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND day >= %(day)s::date - 56 AND day < %(day)s::date
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

# regularly used: on 8 of the 60 days before; hardly any more: at most at a quarter of that pace
USAGE_DETAIL = """
WITH days AS (
    SELECT DISTINCT account_id, product, feature, day
    FROM accounts_usage_detail
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND day >= %(day)s::date - 90 AND day < %(day)s::date AND count > 0
), features AS (
    SELECT account_id, feature, count(*) AS rows, min(day) AS first, max(day) AS last,
           count(*) FILTER (WHERE day >= %(day)s::date - 30) AS now,
           count(*) FILTER (WHERE day < %(day)s::date - 30) AS before
    FROM days
    GROUP BY account_id, product, feature
)
SELECT account_id,
       sum(rows) AS rows,
       %(day)s::date - min(first) AS first_ago,
       %(day)s::date - max(last) AS last_ago,
       sum(now) AS days_30,
       count(*) FILTER (WHERE before >= 8) AS regular,
       count(*) FILTER (WHERE before >= 8 AND now * 8 <= before) AS abandoned,
       string_agg(feature, '|' ORDER BY before DESC, feature COLLATE "C")
           FILTER (WHERE before >= 8 AND now * 8 <= before) AS abandoned_names
FROM features
GROUP BY account_id
"""
