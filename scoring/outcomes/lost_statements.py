"""Who left within a period, and what the scores had said of each (docs/outcomes.md, "Days of warning")."""

from scoring.flagging import IN_TIME_DAYS, LOWER, RUNNING
from scoring.leaving import FACTS, TERM
from scoring.outcomes.statements import CUSTOMERS, RATES

WATCHED_DAYS = 365

# the last day on which a warning still counts: that of the notice, or else of leaving
_LEFT = {"account": "c.id", "at": "c.left_at", "day": "(c.left_at AT TIME ZONE 'UTC')::date"}
GONE = f"""
gone AS (
    SELECT c.*, (c.left_at AT TIME ZONE 'UTC')::date AS left_day, o.reason AS said,
           (notice.at AT TIME ZONE 'UTC')::date AS notice_day,
           (least(notice.at, c.left_at) AT TIME ZONE 'UTC')::date AS last_day,
           {FACTS.format(known="%(end_at)s", **_LEFT)}
      FROM customers c
      JOIN LATERAL (SELECT reason FROM accounts_outcome x
                     WHERE x.tenant_id = %(tenant)s AND x.account_id = c.id AND x.kind = 'churned'
                     ORDER BY x.effective_at, x.id LIMIT 1) o ON true
      LEFT JOIN LATERAL (SELECT min(s.cancelled_at) AS at FROM accounts_subscription s
                          WHERE s.tenant_id = %(tenant)s AND s.account_id = c.id AND s.cancelled_at < c.left_at
                            AND s.renewal_date >= (c.left_at AT TIME ZONE 'UTC')::date - 45) notice ON true
      {TERM.format(**_LEFT)}
     WHERE c.left_at < %(end_at)s {{one}}
)
"""  # noqa: S608  constants of this module and of scoring.leaving

# what they paid on the day they left, at that day's rates; NULL where a rate is missing
PAID = """
paid AS (
    SELECT g.id, round(sum(s.arr * CASE WHEN s.currency = %(currency)s THEN 1 ELSE (
               SELECT rate FROM accounts_fxrate r WHERE r.tenant_id = %(tenant)s AND r.currency = s.currency
                  AND r.day <= g.left_day ORDER BY r.day DESC LIMIT 1) END), 2) AS arr,
           bool_or(s.currency <> %(currency)s AND NOT EXISTS (
               SELECT 1 FROM accounts_fxrate r WHERE r.tenant_id = %(tenant)s AND r.currency = s.currency
                  AND r.day <= g.left_day)) AS unrated
      FROM gone g JOIN accounts_subscription s ON s.tenant_id = %(tenant)s AND s.account_id = g.id
       AND s.started_at < g.left_at AND s.renewal_date >= g.left_day
     GROUP BY g.id
)
"""

# A scoring made long after its day was seen by nobody then: the newest one in time stands for a day, and one made
# afterwards only where there is no other.
_LATE = f"(created_at AT TIME ZONE 'UTC')::date - as_of > {IN_TIME_DAYS}"
_RUNS = f"""SELECT DISTINCT ON (as_of) as_of, id, {_LATE} AS is_late FROM scoring_scorerun
     WHERE tenant_id = %(tenant)s AND fingerprint <> '' AND NOT is_unchanged"""  # noqa: S608  constants of this module
_IN_ORDER = "ORDER BY as_of, is_late, id DESC"

# The scorings before the last day, those made in time alone for each customer that has any (is_late = afterwards). Of
# them what says something, for the rule of scoring.flagging: quiet ones that nothing precedes closely enough to be
# changed by them are left out, which changes nothing and spares most.
FLAGS = f"""
runs AS (
    {_RUNS} AND as_of BETWEEN %(start)s::date - {2 * WATCHED_DAYS} AND %(end)s {_IN_ORDER}
), cuts AS (
    SELECT coalesce(max(high_from), %(high_from)s) AS high_from FROM scoring_chancesettings
     WHERE tenant_id = %(tenant)s
), made AS (
    SELECT g.id, h.as_of, h.band, h.coverage_pct, h.policy_id, h.p90, r.is_late,
           bool_and(r.is_late) OVER (PARTITION BY g.id) AS afterwards
      FROM gone g
      JOIN scoring_health_snapshot h ON h.tenant_id = %(tenant)s AND h.account_id = g.id
       AND h.as_of >= g.last_day - {WATCHED_DAYS} AND h.as_of < g.last_day
       AND h.as_of BETWEEN %(start)s::date - {2 * WATCHED_DAYS} AND %(end)s
      JOIN runs r ON r.as_of = h.as_of AND r.id = h.run_id
), scored AS (
    SELECT m.*, m.band IN ('critical', 'at_risk') AS flagged, m.p90 >= c.high_from AS is_high,
           m.p90 < {LOWER} * c.high_from AS is_low
      FROM made m CROSS JOIN cuts c WHERE m.is_late = m.afterwards
), told AS (
    SELECT id, as_of, flagged, bool_or(flagged) OVER (PARTITION BY id ORDER BY as_of
                                                      ROWS BETWEEN {RUNNING} PRECEDING AND CURRENT ROW) AS tells
      FROM scored WHERE band <> 'unknown'
), flag AS (
    SELECT id, array_agg(as_of ORDER BY as_of) AS days, array_agg(flagged ORDER BY as_of) AS flags
      FROM told WHERE tells GROUP BY id
), told_by_chance AS (
    SELECT id, as_of, is_high, is_low, bool_or(NOT is_low) OVER (PARTITION BY id ORDER BY as_of
                                                      ROWS BETWEEN {RUNNING} PRECEDING AND CURRENT ROW) AS tells
      FROM scored WHERE p90 IS NOT NULL
), chance_flag AS (
    SELECT id, min(as_of) AS chance_since, array_agg(as_of ORDER BY as_of) FILTER (WHERE tells) AS chance_days,
           array_agg(is_high ORDER BY as_of) FILTER (WHERE tells) AS chance_highs,
           array_agg(is_low ORDER BY as_of) FILTER (WHERE tells) AS chance_lows
      FROM told_by_chance GROUP BY id
), seen_of AS (
    SELECT id, count(*) AS scorings, min(as_of) AS since, max(as_of) AS last_scored, bool_or(afterwards) AS afterwards,
           (array_agg(band ORDER BY as_of DESC))[1] AS last_band,
           (array_agg(coverage_pct ORDER BY as_of DESC))[1] AS last_coverage,
           (array_agg(policy_id ORDER BY as_of DESC))[1] AS last_policy
      FROM scored GROUP BY id
)
"""  # noqa: S608  constants of this module

LOST = f"""
WITH {RATES}, {CUSTOMERS}, {GONE}, {PAID}, {FLAGS}
SELECT g.id, g.name, g.external_id, g.segment, g.plan, g.region, g.industry, g.left_day, g.notice_day, g.last_day,
       g.said, g.term_end, g.noticed, g.arrears, p.arr, coalesce(p.unrated, false) AS unrated, f.days, f.flags,
       k.chance_since, k.chance_days, k.chance_highs, k.chance_lows, (SELECT high_from FROM cuts) AS high_from,
       coalesce(s.scorings, 0) AS scorings, s.since, s.last_scored, s.last_band, s.last_coverage,
       coalesce(s.afterwards, false) AS afterwards, coalesce(h.watch_from, %(watch_from)s) AS watch_from,
       (SELECT coalesce(json_agg(json_build_object('day', (o.created_at AT TIME ZONE 'UTC')::date,
                    'until', least(o.until, (o.ended_at AT TIME ZONE 'UTC')::date), 'health', o.health,
                    'band', o.band, 'model', o.model_health, 'by', o.author_label, 'reason', o.reason, 'note', o.note)
                    ORDER BY o.id), '[]')
          FROM scoring_override o WHERE o.tenant_id = %(tenant)s AND o.account_id = g.id
           AND o.created_at < g.left_at) AS overrides,
       m.cause, m.rule_cause, m.reason, m.author_label, m.updated_at, coalesce(m.version, 0) AS version
  FROM gone g LEFT JOIN paid p ON p.id = g.id LEFT JOIN flag f ON f.id = g.id LEFT JOIN seen_of s ON s.id = g.id
  LEFT JOIN chance_flag k ON k.id = g.id
  LEFT JOIN scoring_healthpolicy h ON h.tenant_id = %(tenant)s AND h.id = s.last_policy
  LEFT JOIN scoring_postmortem m ON m.tenant_id = %(tenant)s AND m.account_id = g.id
 ORDER BY g.left_day DESC, g.id DESC
"""  # noqa: S608  constants of this module

HISTORY = f"""
SELECT h.as_of, h.health, h.band, h.policy_version, h.p90, h.recorded_at
  FROM scoring_health_snapshot h
 WHERE h.tenant_id = %(tenant)s AND h.account_id = %(account)s AND h.as_of BETWEEN %(first)s AND %(last)s
   AND h.run_id IN (SELECT id FROM ({_RUNS} AND as_of BETWEEN %(first)s AND %(last)s {_IN_ORDER}) runs)
 ORDER BY h.as_of
"""  # noqa: S608  constants of this module
