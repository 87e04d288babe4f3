"""SQL of renewals: the terms behind a forecast, and what became of them.

A term comes due when its renewal date lies in the quarter and it still runs on the as-of day; terms of 45 days or less
roll on without a decision, as on the outcomes page; one that a later term of the product already follows is decided.
"""

# what one unit of each currency is worth on the day; a missing one has no row and is never 1:1 (DECISIONS 26)
RATES = """
rates AS (
    SELECT DISTINCT ON (currency) currency, rate FROM accounts_fxrate
     WHERE tenant_id = %(tenant)s AND currency <> %(currency)s AND day <= %(day)s ORDER BY currency, day DESC
), worth AS (SELECT currency, rate FROM rates UNION ALL SELECT %(currency)s, 1)
"""

# p by the account's chance to have left by the end of the period that the renewal lies in, as p_renew is made; an
# account whose notice stands is not expected to renew that term. Amounts are rounded a term, so that sums agree
ADD_TERMS = f"""
WITH {RATES}
INSERT INTO scoring_renewalterm (tenant_id, forecast_id, account_id, subscription_external_id, product, segment, region,
                                 renewal_date, arr, currency, arr_reporting, p_renew, expected)
SELECT %(tenant)s, %(forecast)s, t.account_id, t.external_id, left(t.product, 300), t.segment, left(t.region, 300),
       t.renewal_date, t.arr, t.currency, t.worth, t.p, round(t.worth * t.p, 2)
  FROM (
    SELECT s.account_id, s.external_id, s.product, a.segment, a.region, s.renewal_date, s.arr, s.currency,
           round(s.arr * w.rate, 2) AS worth,
           CASE WHEN h.leaves IS NULL THEN NULL WHEN s.cancelled_at < %(day_at)s THEN 0
                ELSE round((1 - h.leaves[1 + (SELECT count(*) FROM unnest(%(periods)s::int[]) each
                                               WHERE each <= s.renewal_date - %(day)s::date)])::numeric, 6) END AS p
      FROM accounts_subscription s
      JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.customer_since < %(day)s
      LEFT JOIN worth w ON w.currency = s.currency
      LEFT JOIN scoring_accounthealth h ON h.tenant_id = s.tenant_id AND h.account_id = s.account_id
     WHERE s.tenant_id = %(tenant)s AND s.started_at < %(day_at)s AND s.renewal_date >= %(first)s
       AND s.renewal_date < %(end)s AND s.renewal_date - (s.started_at AT TIME ZONE 'UTC')::date > 45
       AND NOT EXISTS (SELECT 1 FROM accounts_outcome o WHERE o.tenant_id = s.tenant_id
                          AND o.account_id = s.account_id AND o.kind = 'churned' AND o.effective_at < %(day_at)s)
       AND NOT EXISTS (SELECT 1 FROM accounts_subscription n WHERE n.tenant_id = s.tenant_id
                          AND n.account_id = s.account_id AND n.product = s.product AND n.started_at > s.started_at
                          AND n.started_at < %(day_at)s AND n.renewal_date > s.renewal_date)) t
"""  # noqa: S608  constants of this module

# terms of one account and one chance stay or go together: one line for the simulation
BY_ACCOUNT = """
SELECT t.segment, t.region, sum(t.arr_reporting)::float8, max(t.p_renew)::float8,
       max(h.p90_low)::float8, max(h.p90_high)::float8
  FROM scoring_renewalterm t
  LEFT JOIN scoring_accounthealth h ON h.tenant_id = t.tenant_id AND h.account_id = t.account_id
 WHERE t.tenant_id = %(tenant)s AND t.forecast_id = %(forecast)s AND t.expected IS NOT NULL
 GROUP BY t.account_id, t.segment, t.region, t.p_renew ORDER BY t.account_id, t.p_renew
"""

# renewed: a later term of the same product follows, or an outcome says so. What is not renewed is lost or still open
ACTUAL = """
SELECT coalesce(sum(t.arr_reporting) FILTER (WHERE is_renewed), 0), count(*) FILTER (WHERE is_renewed),
       count(*), count(*) FILTER (WHERE NOT is_renewed AND NOT is_lost)
  FROM (
    SELECT t.arr_reporting,
           EXISTS (SELECT 1 FROM accounts_subscription s JOIN accounts_subscription n
                      ON n.tenant_id = s.tenant_id AND n.account_id = s.account_id AND n.product = s.product
                     AND n.started_at > s.started_at AND n.renewal_date > s.renewal_date AND n.started_at < %(day_at)s
                    WHERE s.tenant_id = t.tenant_id AND s.external_id = t.subscription_external_id)
           OR EXISTS (SELECT 1 FROM accounts_outcome o WHERE o.tenant_id = t.tenant_id AND o.account_id = t.account_id
                         AND o.kind = 'renewed' AND o.subscription_external_id = t.subscription_external_id
                         AND o.effective_at < %(day_at)s) AS is_renewed,
           EXISTS (SELECT 1 FROM accounts_outcome o WHERE o.tenant_id = t.tenant_id AND o.account_id = t.account_id
                      AND o.effective_at < %(day_at)s AND (o.kind = 'churned' OR (o.kind = 'downgraded'
                          AND o.arr_after = 0 AND o.subscription_external_id = t.subscription_external_id))) AS is_lost
      FROM scoring_renewalterm t
     WHERE t.tenant_id = %(tenant)s AND t.forecast_id = %(forecast)s AND t.expected IS NOT NULL) t
"""

# figures of the terms that the viewer may see, by quarter and by group of each; luck and slope tell the interval of any
# part, see common_shock of learning.stake
SUMS = """
SELECT f.quarter, t.{by} AS name, grouping(t.{by}) = 1 AS is_whole, count(*) AS terms,
       count(DISTINCT t.account_id) AS accounts,
       coalesce(sum(t.arr_reporting), 0) AS arr, coalesce(sum(t.expected), 0) AS expected,
       coalesce(sum(t.arr_reporting) FILTER (WHERE t.expected IS NOT NULL), 0) AS judged,
       count(*) FILTER (WHERE t.p_renew IS NULL) AS unknown,
       count(*) FILTER (WHERE t.arr_reporting IS NULL) AS unrated,
       array_agg(DISTINCT t.currency) FILTER (WHERE t.arr_reporting IS NULL) AS missing,
       coalesce(sum(t.arr_reporting ^ 2 * t.p_renew * (1 - t.p_renew)), 0)::float8 AS luck,
       coalesce(sum(t.arr_reporting * t.p_renew * (1 - t.p_renew)), 0)::float8 AS slope
  FROM scoring_renewalterm t JOIN scoring_renewalforecast f ON f.tenant_id = t.tenant_id AND f.id = t.forecast_id
 WHERE t.tenant_id = %(tenant)s AND f.as_of = %(day)s AND t.account_id IN ({seen}) {chosen}
 GROUP BY GROUPING SETS ((f.quarter), (f.quarter, t.{by})) ORDER BY f.quarter, is_whole DESC, {order}
"""

ROWS = """
WITH kept AS (
    SELECT t.*, a.name, row_number() OVER (ORDER BY {order}) AS place
      FROM scoring_renewalterm t
      JOIN scoring_renewalforecast f ON f.tenant_id = t.tenant_id AND f.id = t.forecast_id
      JOIN accounts_account a ON a.tenant_id = t.tenant_id AND a.id = t.account_id
     WHERE t.tenant_id = %(tenant)s AND f.as_of = %(day)s AND f.quarter = %(quarter)s
       AND t.account_id IN ({seen}) {chosen}
)
SELECT k.*, (SELECT count(*) FROM kept) AS total, (SELECT coalesce(sum(arr_reporting), 0) FROM kept) AS sum_arr,
       (SELECT coalesce(sum(expected), 0) FROM kept) AS sum_expected
  FROM kept k WHERE place > coalesce((SELECT place FROM kept WHERE id = %(after)s), 0) ORDER BY place LIMIT %(limit)s
"""
BY_MONEY = "t.arr_reporting DESC NULLS LAST, t.id"
GROUPS_BY_MONEY = "arr DESC, t.{by}"
# for who may not see amounts: their order would tell them
BY_DAY = "t.renewal_date, t.id"
GROUPS_BY_NAME = "nullif(t.{by}, '') NULLS LAST"

# what salespeople have committed: open renewal opportunities that close in the quarter. And what is at stake now,
# ARR x p90, with what tells its interval (outcomes.stake), and how many lack a rate or a chance
BESIDE = f"""
WITH {RATES}, committed AS (
    SELECT coalesce(sum(round(o.amount * w.rate, 2)), 0) AS committed, count(*) AS opportunities,
           count(*) FILTER (WHERE w.rate IS NULL) AS without_rate
      FROM accounts_opportunity o LEFT JOIN worth w ON w.currency = o.currency
      JOIN accounts_account a ON a.tenant_id = o.tenant_id AND a.id = o.account_id
     WHERE o.tenant_id = %(tenant)s AND o.type = 'renewal' AND o.forecast_category = 'commit' AND o.closed_at IS NULL
       AND o.created_at < %(day_at)s AND o.close_date >= %(first)s AND o.close_date < %(end)s
       AND o.account_id IN ({{seen}}) {{chosen_account}}
), stake AS (
    SELECT coalesce(sum(round(h.at_stake, 2)), 0) AS stake, count(h.at_stake) AS with_chance,
           coalesce(sum(h.arr_reporting) FILTER (WHERE h.at_stake IS NOT NULL), 0)::float8 AS stake_arr,
           coalesce(sum(h.arr_reporting * h.p90 * (1 - h.p90)), 0)::float8 AS stake_slope,
           coalesce(sum(h.arr_reporting ^ 2 * h.p90 * (1 - h.p90)), 0)::float8 AS stake_luck,
           count(*) FILTER (WHERE h.arr IS NOT NULL AND h.arr_reporting IS NULL) AS unrated,
           count(*) FILTER (WHERE h.p90 IS NULL) AS unknown
      FROM scoring_accounthealth h JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
     WHERE h.tenant_id = %(tenant)s AND h.account_id IN ({{seen}}) {{chosen_account}}
)
SELECT committed.*, stake.*,
       (SELECT r.summary -> 'chances' -> 'stake' FROM scoring_scorerun r
         WHERE r.tenant_id = %(tenant)s AND r.fingerprint <> '' ORDER BY r.as_of DESC, r.id DESC LIMIT 1) AS told
  FROM committed, stake
"""  # noqa: S608  constants of this module
