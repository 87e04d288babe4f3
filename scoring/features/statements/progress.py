"""How far objectives have come that the product itself can measure: usage now, against baseline and target."""

COLUMNS = (
    "active_users", "logins", "sessions", "core_events", "features_used", "api_calls", "errors", "data_gb",
)  # fmt: skip
LEAST_DAYS = 7  # of the window with the metric, for a level to count
_WINDOW = "%(outcomes.objective_progress)s"
_WHENS = " ".join(f"WHEN '{name}' THEN u.{name}" for name in COLUMNS)


def _level(metric: str) -> str:
    """The mean of a metric over usage days `u` as exact numeric; NULL below LEAST_DAYS days."""
    value = (
        f"CASE {metric} {_WHENS} ELSE CASE WHEN jsonb_typeof(u.extra -> {metric}) = 'number' "
        f"THEN (u.extra ->> {metric})::float8 END END"
    )
    # in whole ten-thousandths, as all usage is added up, so that the order of rows cannot show
    exact = (
        f"(CASE WHEN ({value}) < 9e14 THEN ({value}) WHEN ({value}) >= 9e14 THEN 9e14 END * 10000)::bigint"
    )
    return f"CASE WHEN count({value}) >= {LEAST_DAYS} THEN sum({exact}) / (count({value}) * 10000.0) END"


def measured(goals: str) -> str:
    """Common table expressions that end in `measured` (id, account_id, baseline, level, progress 0 to 1).

    `goals` is the condition on accounts_objective. Where no baseline is given, as many days before the objective was
    declared as the window has stand for it.
    """
    return f"""{_levels(goals)}, measured AS (
    SELECT g.id, g.account_id, coalesce(g.baseline, b.level) AS baseline, n.level,
           CASE WHEN g.target <> coalesce(g.baseline, b.level) AND n.level IS NOT NULL
                THEN least(1, greatest(0, (n.level - coalesce(g.baseline, b.level))
                                          / (g.target - coalesce(g.baseline, b.level)))) END AS progress
    FROM goal g
    LEFT JOIN now n ON n.account_id = g.account_id AND n.usage_metric = g.usage_metric
    LEFT JOIN begun b ON b.id = g.id
)
"""  # noqa: S608  (constants of this module)


def _levels(goals: str) -> str:
    """Where each objective stands now (`now`), and stood when it was declared without a baseline (`begun`)."""
    return f"""
WITH goal AS MATERIALIZED (
    SELECT id, account_id, usage_metric, baseline::numeric AS baseline, target::numeric AS target,
           (declared_at AT TIME ZONE 'UTC')::date AS declared_on
    FROM accounts_objective
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND declared_at < %(start)s
      AND usage_metric <> '' AND {goals}
), metric AS MATERIALIZED (
    SELECT DISTINCT account_id, usage_metric FROM goal
), now AS (
    SELECT m.account_id, m.usage_metric, {_level("m.usage_metric")} AS level
    FROM metric m
    JOIN accounts_usage_day u ON u.account_id = m.account_id
    WHERE u.tenant_id = %(tenant)s AND u.account_id BETWEEN %(first)s AND %(last)s
      AND u.day >= %(day)s::date - {_WINDOW} AND u.day < %(day)s::date
    GROUP BY m.account_id, m.usage_metric
), begun AS (
    SELECT g.id, before.level
    FROM goal g
    CROSS JOIN LATERAL (
        SELECT {_level("g.usage_metric")} AS level
        FROM accounts_usage_day u
        WHERE u.tenant_id = %(tenant)s AND u.account_id = g.account_id
          AND u.day >= g.declared_on - {_WINDOW} AND u.day < g.declared_on
    ) before
    WHERE g.baseline IS NULL
)"""  # noqa: S608  (constants of this module)


# objectives that are open and did not fall due over a year ago
PROGRESS = (
    measured(
        "target IS NOT NULL AND (achieved_at IS NULL OR achieved_at >= %(start)s) "
        "AND (due_at IS NULL OR due_at >= %(start)s - interval '365 days')"
    )
    + """
SELECT account_id, count(*) AS measured, sum(progress) AS progress
FROM measured
WHERE progress IS NOT NULL
GROUP BY account_id
"""
)
