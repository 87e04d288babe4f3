"""What the product was used for: usage_daily.csv."""

# Usage is float8, whose sums change with the order of rows; in ten-thousandths as whole numbers they cannot, and cost a
# third of numeric's. What would not fit (over 900 trillion a day) counts as that much; unknown stays unknown.
_EXACT = "(CASE WHEN {0} < 9e14 THEN {0} WHEN {0} >= 9e14 THEN 9e14 END * 10000)::bigint"
_USERS, _EVENTS, _FEATURES = (
    _EXACT.format(name) for name in ("active_users", "core_events", "features_used")
)
_LAST_30 = "FILTER (WHERE day >= %(day)s::date - 30)"
_60_BEFORE = "FILTER (WHERE day >= %(day)s::date - 90 AND day < %(day)s::date - 30)"

USAGE = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - min(day) AS first_ago,
       %(day)s::date - max(day) AS last_ago,
       %(day)s::date - max(day) FILTER (
           WHERE active_users > 0 OR core_events > 0 OR sessions > 0 OR logins > 0) AS active_ago,
       count(active_users) {_LAST_30} AS users_days_30,
       sum({_USERS}) {_LAST_30} / 10000 AS users_sum_30,
       count(active_users) {_60_BEFORE} AS users_days_60,
       sum({_USERS}) {_60_BEFORE} / 10000 AS users_sum_60,
       count(core_events) {_LAST_30} AS events_days_30,
       sum({_EVENTS}) {_LAST_30} / 10000 AS events_sum_30,
       count(core_events) {_60_BEFORE} AS events_days_60,
       sum({_EVENTS}) {_60_BEFORE} / 10000 AS events_sum_60,
       count(features_used) {_LAST_30} AS features_days_30,
       sum({_FEATURES}) {_LAST_30} / 10000 AS features_sum_30
FROM accounts_usage_day
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
  AND day >= %(day)s::date - 180 AND day < %(day)s::date
GROUP BY account_id
"""  # noqa: S608  (constants of this module)
