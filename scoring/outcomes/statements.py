"""One relation, `facts`, holds what every figure is made of: a row an account. Tiles and groups are sums over it and
the rows behind a tile are its rows, so that they cannot differ. Amounts are rounded to cents by account, in the
reporting currency; `start_arr` and `kept_arr` at the rates of the first day, `end_arr` at those of the end.
"""

# currencies with the rate of each end; a missing one stays NULL and takes its accounts out of the money figures
RATES = """
rates AS (
    SELECT c.currency, first.rate AS start_rate, last.rate AS end_rate
      FROM (SELECT DISTINCT currency FROM accounts_fxrate WHERE tenant_id = %(tenant)s AND currency <> %(currency)s) c
      LEFT JOIN LATERAL (SELECT rate FROM accounts_fxrate r WHERE r.tenant_id = %(tenant)s AND r.currency = c.currency
                            AND r.day <= %(start)s ORDER BY r.day DESC LIMIT 1) first ON true
      LEFT JOIN LATERAL (SELECT rate FROM accounts_fxrate r WHERE r.tenant_id = %(tenant)s AND r.currency = c.currency
                            AND r.day <= %(end)s ORDER BY r.day DESC LIMIT 1) last ON true
    UNION ALL SELECT %(currency)s, 1, 1
)
"""

# who left before the first day is no concern of the period; who is a customer by now is, for the figures of now
CUSTOMERS = """
customers AS (
    SELECT a.id, a.external_id, a.name, a.segment, a.plan, a.region, a.industry, a.customer_since,
           gone.at AS left_at,
           a.customer_since < %(start)s AS at_start,
           a.customer_since < %(end)s AND (gone.at IS NULL OR gone.at >= %(end_at)s) AS at_end,
           gone.at < %(end_at)s AS has_left
      FROM accounts_account a
      LEFT JOIN (SELECT account_id, min(effective_at) AS at FROM accounts_outcome
                  WHERE tenant_id = %(tenant)s AND kind = 'churned' GROUP BY account_id) gone ON gone.account_id = a.id
     WHERE a.tenant_id = %(tenant)s AND a.customer_since < %(known)s AND a.id IN ({seen})
       AND (gone.at IS NULL OR gone.at >= %(start_at)s) {chosen}
)
"""

_RUNS_AT = "(s.started_at < %({0}_at)s AND s.renewal_date >= %({0})s)"
RUNNING = f"""
running AS (
    SELECT s.account_id, s.currency, s.arr, {_RUNS_AT.format("start")} AND c.at_start AS at_start,
           {_RUNS_AT.format("end")} AND c.at_end AS at_end, c.at_start AS was_there, r.start_rate, r.end_rate
      FROM accounts_subscription s JOIN customers c ON c.id = s.account_id LEFT JOIN rates r ON r.currency = s.currency
     WHERE s.tenant_id = %(tenant)s AND ({_RUNS_AT.format("start")} OR {_RUNS_AT.format("end")})
), unrated AS (
    SELECT account_id, currency FROM running
     WHERE (at_start AND start_rate IS NULL) OR (at_end AND end_rate IS NULL)
        OR (at_end AND was_there AND start_rate IS NULL)
), paying AS (
    SELECT account_id,
           round(coalesce(sum(arr * start_rate) FILTER (WHERE at_start), 0), 2) AS start_arr,
           round(coalesce(sum(arr * start_rate) FILTER (WHERE at_end), 0), 2) AS same_rates,
           round(coalesce(sum(arr * end_rate) FILTER (WHERE at_end), 0), 2) AS end_arr
      FROM running WHERE account_id NOT IN (SELECT account_id FROM unrated) GROUP BY account_id
)
"""  # noqa: S608  constants of this module

# a term came due when its renewal date lies in the period; terms of a month or so roll on without a decision
DUE = """
due AS (
    SELECT t.account_id, count(*) FILTER (WHERE is_renewed) AS renewed,
           count(*) FILTER (WHERE NOT is_renewed AND is_lost) AS not_renewed,
           count(*) FILTER (WHERE NOT is_renewed AND NOT is_lost) AS open_terms,
           coalesce(sum(reporting) FILTER (WHERE NOT is_renewed AND NOT is_lost), 0) AS open_arr
      FROM (
        SELECT s.account_id, round(s.arr * r.start_rate, 2) AS reporting,
               EXISTS (SELECT 1 FROM accounts_subscription n
                        WHERE n.tenant_id = %(tenant)s AND n.account_id = s.account_id AND n.product = s.product
                          AND n.started_at > s.started_at AND n.renewal_date > s.renewal_date)
               OR EXISTS (SELECT 1 FROM accounts_outcome o
                           WHERE o.tenant_id = %(tenant)s AND o.account_id = s.account_id AND o.kind = 'renewed'
                             AND o.subscription_external_id = s.external_id) AS is_renewed,
               c.left_at IS NOT NULL
               OR EXISTS (SELECT 1 FROM accounts_outcome o
                           WHERE o.tenant_id = %(tenant)s AND o.account_id = s.account_id AND o.kind = 'downgraded'
                             AND o.subscription_external_id = s.external_id AND o.arr_after = 0) AS is_lost
          FROM accounts_subscription s JOIN customers c ON c.id = s.account_id
          LEFT JOIN rates r ON r.currency = s.currency
         WHERE s.tenant_id = %(tenant)s AND s.renewal_date >= %(start)s AND s.renewal_date < %(end)s
           AND s.renewal_date - (s.started_at AT TIME ZONE 'UTC')::date > 45) t
     GROUP BY t.account_id
)
"""

ANSWERS = """
answers AS (
    SELECT account_id, count(*) AS answers, count(*) FILTER (WHERE score >= 9) AS promoters,
           count(*) FILTER (WHERE score <= 6) AS detractors
      FROM (SELECT DISTINCT ON (v.account_id, coalesce(nullif(v.contact_external_id, ''), 'survey ' || v.external_id))
                   v.account_id, v.score
              FROM accounts_survey v
             WHERE v.tenant_id = %(tenant)s AND v.kind = 'nps' AND v.responded_at >= %(start_at)s
               AND v.responded_at < %(end_at)s
             ORDER BY v.account_id, coalesce(nullif(v.contact_external_id, ''), 'survey ' || v.external_id),
                      v.responded_at DESC, v.id DESC) each
     GROUP BY account_id
)
"""

# the scoring that stands for the first day: of that day, or up to a week before it
THEN = """
run_then AS (
    SELECT id, as_of FROM scoring_scorerun
     WHERE tenant_id = %(tenant)s AND fingerprint <> '' AND NOT is_unchanged
       AND as_of BETWEEN %(start)s::date - 7 AND %(start)s ORDER BY as_of DESC, id DESC LIMIT 1
), then_health AS (
    SELECT h.account_id, h.band FROM scoring_health_snapshot h
     WHERE h.tenant_id = %(tenant)s AND h.as_of = (SELECT as_of FROM run_then) AND h.run_id = (SELECT id FROM run_then)
       AND h.as_of BETWEEN %(start)s::date - 7 AND %(start)s
)
"""

FACTS = f"""
WITH {RATES}, {CUSTOMERS}, {RUNNING}, {DUE}, {ANSWERS}, {THEN}, paid AS (
    SELECT c.*, p.account_id IS NOT NULL AND c.at_start AND p.start_arr > 0 AS has_paid,
           coalesce(p.start_arr, 0) AS p_start, coalesce(p.same_rates, 0) AS p_same, coalesce(p.end_arr, 0) AS p_end
      FROM customers c LEFT JOIN paying p ON p.account_id = c.id
), facts AS (
    SELECT p.id, p.external_id, p.name, p.segment, p.plan, p.region, p.industry, p.left_at, p.at_start, p.at_end,
           p.has_paid, (p.at_start AND p.has_left IS TRUE)::int AS has_left,
           (NOT p.at_start AND p.has_left IS TRUE)::int AS came_and_left,
           CASE WHEN p.has_paid THEN p.p_start ELSE 0 END AS start_arr,
           CASE WHEN NOT p.has_paid THEN p.p_end ELSE 0 END AS new_arr,
           CASE WHEN p.has_paid AND p.at_end THEN greatest(p.p_same - p.p_start, 0) ELSE 0 END AS expansion,
           CASE WHEN p.has_paid AND p.at_end THEN least(p.p_same - p.p_start, 0) ELSE 0 END AS contraction,
           CASE WHEN p.has_paid AND NOT p.at_end THEN -p.p_start ELSE 0 END AS churned,
           CASE WHEN p.has_paid THEN p.p_end - p.p_same ELSE 0 END AS rates,
           p.p_end AS end_arr,
           CASE WHEN p.has_paid THEN least(p.p_same, p.p_start) ELSE 0 END AS kept_arr,
           CASE WHEN p.has_paid THEN p.p_same ELSE 0 END AS stayed_arr,
           coalesce(d.renewed, 0) AS renewed, coalesce(d.not_renewed, 0) AS not_renewed,
           coalesce(d.renewed + d.not_renewed, 0) AS decided, coalesce(d.open_terms, 0) AS open_terms,
           coalesce(d.open_arr, 0) AS open_arr,
           coalesce(v.answers, 0) AS answers, coalesce(v.promoters, 0) AS promoters,
           coalesce(v.detractors, 0) AS detractors, coalesce(v.promoters - v.detractors, 0) AS net,
           coalesce(nullif(h.override_band, ''), h.band) AS band_now, t.band AS band_then,
           round(h.arr_reporting, 2) AS now_arr, h.arr IS NOT NULL AND h.arr_reporting IS NULL AS now_unrated,
           CASE WHEN coalesce(nullif(h.override_band, ''), h.band) IN ('critical', 'at_risk')
                THEN coalesce(round(h.arr_reporting, 2), 0) ELSE 0 END AS risk_arr,
           round(h.at_stake, 2) AS stake, round(h.arr_reporting * h.p90_low, 2) AS stake_low,
           round(h.arr_reporting * h.p90_high, 2) AS stake_high, h.p90,
           -- what tells the interval of any part of the sum: see outcomes.stake
           CASE WHEN h.at_stake IS NOT NULL THEN h.arr_reporting::float8 END AS stake_arr,
           h.arr_reporting::float8 * h.p90::float8 * (1 - h.p90::float8) AS stake_slope,
           h.arr_reporting::float8 ^ 2 * h.p90::float8 * (1 - h.p90::float8) AS stake_luck
      FROM paid p LEFT JOIN due d ON d.account_id = p.id LEFT JOIN answers v ON v.account_id = p.id
      LEFT JOIN then_health t ON t.account_id = p.id AND p.at_start
      LEFT JOIN scoring_accounthealth h ON h.tenant_id = %(tenant)s AND h.account_id = p.id
)
"""  # noqa: S608  constants of this module

AT_RISK = "band_now IN ('critical', 'at_risk')"
_BANDS = ("critical", "at_risk", "watch", "healthy", "unknown")
_SUMMED = (
    "has_left", "came_and_left", "start_arr", "new_arr", "expansion", "contraction", "churned", "rates", "end_arr",
    "kept_arr", "stayed_arr", "renewed", "not_renewed", "decided", "open_terms", "open_arr", "answers", "promoters",
    "detractors", "net", "risk_arr", "stake", "stake_arr", "stake_slope", "stake_luck",
)  # fmt: skip
_OF_THOSE_AT_RISK = ("stake", "stake_arr", "stake_slope", "stake_luck")
_COUNTED = {
    "customers": "at_start",
    "paying": "has_paid",
    "paying_end": "end_arr <> 0",
    "asked": "answers > 0",
    "at_risk": AT_RISK,
    "with_chance": "stake IS NOT NULL",
    "risk_with_chance": f"stake IS NOT NULL AND {AT_RISK}",
    "unrated_now": "now_unrated",
    **{f"now_{band}": f"band_now = '{band}'" for band in _BANDS},
    **{f"then_{band}": f"band_then = '{band}'" for band in _BANDS},
}
TOTALS = f"""
SELECT {{group}} AS name, grouping({{group}}) = 1 AS is_total,
       {", ".join(f"coalesce(sum({each}), 0) AS {each}" for each in _SUMMED)},
       {", ".join(f"coalesce(sum({e}) FILTER (WHERE {AT_RISK}), 0) AS risk_{e}" for e in _OF_THOSE_AT_RISK)},
       {", ".join(f"count(*) FILTER (WHERE {when}) AS {name}" for name, when in _COUNTED.items())},
       (SELECT array_agg(DISTINCT currency ORDER BY currency) FROM unrated) AS missing_rates,
       (SELECT count(DISTINCT account_id) FROM unrated) AS unrated,
       (SELECT as_of FROM run_then) AS then_day
  FROM facts GROUP BY GROUPING SETS ((), ({{group}})) ORDER BY is_total DESC, name
"""  # noqa: S608  constants of this module

# one page of rows, numbered in one order whatever page is asked for; the sums are those of all rows
ROWS = """
, kept AS (SELECT * FROM facts WHERE {where}), numbered AS (
    SELECT kept.*, row_number() OVER (ORDER BY {order}, name, id) AS place FROM kept
)
SELECT n.*, (SELECT count(*) FROM kept) AS total, {sums}
  FROM numbered n WHERE n.place > coalesce((SELECT place FROM numbered WHERE id = %(after)s), 0)
 ORDER BY n.place LIMIT %(limit)s
"""

# the months' ends; ARR at the rates of each end, accounts with a missing rate left out
TREND = f"""
WITH {RATES}, {CUSTOMERS}, months AS (
    SELECT first, least((first + interval '1 month')::date, %(end)s::date) AS next
      FROM unnest(%(months)s::date[]) AS first
), leavers AS (
    SELECT m.first, m.next, count(*) FILTER (WHERE c.customer_since < m.first
                    AND (c.left_at IS NULL OR (c.left_at AT TIME ZONE 'UTC')::date >= m.first)) AS customers,
           count(*) FILTER (WHERE c.customer_since < m.first AND (c.left_at AT TIME ZONE 'UTC')::date >= m.first
                    AND (c.left_at AT TIME ZONE 'UTC')::date < m.next) AS has_left
      FROM months m CROSS JOIN customers c GROUP BY m.first, m.next
), month_rates AS MATERIALIZED (
    SELECT m.first, r.currency, CASE WHEN r.currency = %(currency)s THEN 1 ELSE (
               SELECT rate FROM accounts_fxrate f WHERE f.tenant_id = %(tenant)s AND f.currency = r.currency
                  AND f.day <= m.next ORDER BY f.day DESC LIMIT 1) END AS rate
      FROM months m CROSS JOIN rates r
), terms AS (
    SELECT m.first, s.account_id, s.arr * r.rate AS reporting
      FROM months m JOIN accounts_subscription s ON s.tenant_id = %(tenant)s
           AND s.started_at < m.next::timestamp AT TIME ZONE 'UTC' AND s.renewal_date >= m.next
      JOIN customers c ON c.id = s.account_id AND c.customer_since < m.next
           AND (c.left_at IS NULL OR c.left_at >= m.next::timestamp AT TIME ZONE 'UTC')
      LEFT JOIN month_rates r ON r.first = m.first AND r.currency = s.currency
), money AS (
    SELECT first, sum(arr) AS arr FROM (
        SELECT first, account_id, round(sum(reporting), 2) AS arr FROM terms GROUP BY first, account_id
        HAVING bool_and(reporting IS NOT NULL)) each GROUP BY first
)
SELECT l.first, l.next, l.customers, l.has_left, coalesce(m.arr, 0)
  FROM leavers l LEFT JOIN money m ON m.first = l.first ORDER BY l.first
"""  # noqa: S608  constants of this module
