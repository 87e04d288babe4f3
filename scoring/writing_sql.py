"""The statements that save a computation: a stage, snapshots, the projection, events."""

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS score_stage (
    account_id bigint, health numeric, band text, coverage_pct numeric, dimensions jsonb,
    weights integer[], scores integer[], points integer[], lost integer[], "values" float8[], why smallint[],
    newest_ago integer[], about jsonb, reasons jsonb, arr numeric, currency text, arr_reporting numeric,
    priority float8, renewal_date date, policy_id bigint, policy_version text, delta_30 numeric, spark float8[],
    override_health numeric, override_band text, override_until date, event jsonb, object_label text,
    p30 numeric, p60 numeric, p90 numeric, p90_low numeric, p90_high numeric, p_renew numeric, leaves float8[],
    risk_now text, model_id bigint, model_version text, logit_base float8, logit_parts float8[], at_stake numeric,
    risk_level text, risk_pending text, p90_delta_30 numeric, chance_reasons jsonb, risk_event jsonb
) ON COMMIT DROP;
TRUNCATE score_stage
"""
COLUMNS = (
    "account_id", "health", "band", "coverage_pct", "dimensions", "weights", "scores", "points", "lost", '"values"',
    "why", "newest_ago", "about", "reasons", "arr", "currency",
    "arr_reporting", "priority", "renewal_date", "policy_id", "policy_version", "delta_30", "spark",
    "override_health", "override_band", "override_until", "event",
    "p30", "p60", "p90", "p90_low", "p90_high", "p_renew", "leaves", "risk_now", "model_id", "model_version",
    "logit_base", "logit_parts", "at_stake", "risk_level", "risk_pending", "p90_delta_30", "chance_reasons",
    "risk_event",
)  # fmt: skip
COPY = f"COPY score_stage ({', '.join(COLUMNS)}) FROM STDIN"

SNAPSHOTS = """
INSERT INTO scoring_health_snapshot (
    tenant_id, account_id, as_of, run_id, health, band, coverage_pct, layout, weights, scores, points, lost, "values",
    why, newest_ago, about, reasons, arr, currency, arr_reporting, priority, renewal_date, policy_id, policy_version,
    p30, p60, p90, p90_low, p90_high, p_renew, leaves, risk_level, model_id, model_version, logit_base, logit_parts)
SELECT %(tenant)s, account_id, %(day)s, %(run)s, health, band, coverage_pct, %(layout)s, weights, scores, points, lost,
       "values", why, newest_ago, about, reasons, arr, currency, arr_reporting, priority, renewal_date, policy_id,
       policy_version, p30, p60, p90, p90_low, p90_high, p_renew, leaves, risk_now, model_id, model_version,
       logit_base, logit_parts
FROM score_stage
"""

# what lists show of the chance of leaving; where the model cannot be read the last good ones stay
SHOWN = (
    "p30", "p60", "p90", "p90_low", "p90_high", "p_renew", "leaves", "risk_level", "risk_pending", "at_stake",
    "p90_delta_30", "chance_reasons", "model_id", "model_version",
)  # fmt: skip

# a source that this account never had cannot be late for it
FLAGS = """ARRAY(
    SELECT f.flag FROM unnest(%(flags)s::varchar[], %(flag_places)s::int[]) WITH ORDINALITY AS f(flag, place, at)
     WHERE f.place = 0 OR score_stage.why[f.place] <> %(not_tracked)s ORDER BY f.at)"""

PROJECTION = f"""
INSERT INTO scoring_accounthealth AS kept (
    tenant_id, account_id, as_of, health, band, coverage_pct, delta_30, spark, reasons, dimensions, arr, currency,
    arr_reporting, priority, renewal_date, run_id, policy_version, override_health, override_band, override_until,
    updated_at, chance_flags, {", ".join(SHOWN)})
SELECT %(tenant)s, account_id, %(day)s, health, band, coverage_pct, delta_30, spark, reasons, dimensions, arr,
       currency, arr_reporting, priority, renewal_date, %(run)s, policy_version, override_health, override_band,
       override_until, now(), {FLAGS}, {", ".join(SHOWN)}
FROM score_stage
ON CONFLICT (tenant_id, account_id) DO UPDATE SET
    as_of = excluded.as_of, health = excluded.health, band = excluded.band, coverage_pct = excluded.coverage_pct,
    delta_30 = excluded.delta_30, spark = excluded.spark, reasons = excluded.reasons,
    dimensions = excluded.dimensions, arr = excluded.arr, currency = excluded.currency,
    arr_reporting = excluded.arr_reporting, renewal_date = excluded.renewal_date,
    run_id = excluded.run_id, policy_version = excluded.policy_version,
    override_health = excluded.override_health, override_band = excluded.override_band,
    override_until = excluded.override_until, updated_at = excluded.updated_at,
    chance_flags = excluded.chance_flags,
    priority = CASE WHEN %(keeps_last)s AND kept.p90 IS NOT NULL THEN kept.priority ELSE excluded.priority END,
    {", ".join(f"{each} = CASE WHEN %(keeps_last)s THEN kept.{each} ELSE excluded.{each} END" for each in SHOWN)}
"""  # noqa: S608  names of this module

EVENTS = """
INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, object_type, object_id, object_label,
                         account_id, diff)
SELECT %(tenant)s, told.verb, %(actor_kind)s, %(actor_id)s, %(actor_label)s, 'accounts.account',
       s.account_id::text, left(a.name, 300), s.account_id, told.diff
FROM score_stage s JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = s.account_id
CROSS JOIN LATERAL (
    VALUES ('scoring.health_changed', s.event), ('scoring.risk_changed', s.risk_event)) AS told (verb, diff)
WHERE told.diff IS NOT NULL
ORDER BY s.account_id, told.verb
"""

BEFORE = """
SELECT h.account_id, (h.health * 100)::integer, h.band, s.layout, s.weights, s.scores, h.risk_level, h.risk_pending,
       h.as_of
FROM scoring_accounthealth h
LEFT JOIN scoring_health_snapshot s
       ON s.tenant_id = h.tenant_id AND s.account_id = h.account_id AND s.as_of = h.as_of AND s.run_id = h.run_id
WHERE h.tenant_id = %(tenant)s AND h.account_id = ANY(%(ids)s)
"""

PAST = """
SELECT w.step, s.account_id, coalesce((s.health * 100)::integer, -1), coalesce((s.p90 * 1000000)::integer, -1)
FROM unnest(%(steps)s::int[], %(days)s::date[], %(runs)s::bigint[]) AS w (step, day, run)
JOIN scoring_health_snapshot s
  ON s.tenant_id = %(tenant)s AND s.as_of = w.day AND s.run_id = w.run AND s.account_id = ANY(%(ids)s)
"""

GONE = "DELETE FROM scoring_accounthealth WHERE tenant_id = %(tenant)s AND run_id <> %(run)s"

SHADOW_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS shadow_stage (
    account_id bigint, model_id bigint, p30 numeric, p60 numeric, p90 numeric
) ON COMMIT DROP;
TRUNCATE shadow_stage
"""
SHADOW_COPY = "COPY shadow_stage (account_id, model_id, p30, p60, p90) FROM STDIN"
SHADOWS = """
INSERT INTO scoring_shadow_score (tenant_id, account_id, as_of, run_id, model_id, p30, p60, p90)
SELECT %(tenant)s, account_id, %(day)s, %(run)s, model_id, p30, p60, p90 FROM shadow_stage
"""
