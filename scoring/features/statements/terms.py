"""What the terms of today are like, and how they differ from those before."""

from scoring.features.statements.windows import since

SLACK = 5  # days that a term may have ended sooner than the window says, and still be what is looked for


def _compared(key: str) -> str:
    """Each active term beside the earlier one of its product that the indicator of this key takes it against."""
    reach = f"ended >= %(day)s::date - (%({key})s - {SLACK})"
    return f"""
    SELECT DISTINCT ON (account_id, external_id) *
    FROM pairs
    ORDER BY account_id, external_id, {reach} DESC, CASE WHEN {reach} THEN begun_at END, begun_at DESC, before_id
"""  # noqa: S608  (constants of this module)


# A term is compared with the earliest one of its product that was still in force a window ago or since (monthly plans
# would otherwise only show last month's change), or with the newest before that. Money is only compared within one
# currency. `main` is the largest active term, ties by the source's own id.
TERMS = f"""
WITH terms AS MATERIALIZED (
    SELECT account_id, external_id, product, seats, arr, currency, list_arr, term_months, auto_renew, cancelled_at,
           started_at, renewal_date
    FROM accounts_subscription
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
), active AS MATERIALIZED (
    SELECT * FROM terms WHERE renewal_date >= %(day)s::date
), main AS (
    SELECT DISTINCT ON (account_id) * FROM active ORDER BY account_id, arr DESC, renewal_date, external_id
), pairs AS MATERIALIZED (
    SELECT n.account_id, n.external_id, n.seats AS seats_now, b.seats AS seats_before, b.arr AS arr_before,
           b.currency AS currency_before, b.renewal_date AS ended, b.started_at AS begun_at, b.external_id AS before_id
    FROM active n
    JOIN terms b ON b.account_id = n.account_id AND b.product = n.product
                AND b.started_at < n.started_at AND b.renewal_date < %(day)s::date
), priced AS ({_compared("business.price_change")}
), sized AS ({_compared("business.seats_change")}
), seats AS (
    SELECT account_id, sum(seats_now) AS seats_now, sum(seats_before) AS seats_before
    FROM sized WHERE seats_now IS NOT NULL AND seats_before IS NOT NULL
    GROUP BY account_id
), renewing AS (
    SELECT account_id,
           bool_and(auto_renew AND (cancelled_at IS NULL OR cancelled_at >= %(start)s))::int AS auto_renew
    FROM active GROUP BY account_id
)
SELECT m.account_id,
       r.auto_renew,
       m.term_months AS main_months,
       m.renewal_date - (m.started_at AT TIME ZONE 'UTC')::date AS main_days,
       1 - m.arr / nullif(m.list_arr, 0) AS discount,
       CASE WHEN c.currency_before <> m.currency THEN NULL
            WHEN m.seats > 0 AND c.seats_before > 0
                 THEN (m.arr * c.seats_before) / nullif(c.arr_before * m.seats, 0) - 1
            ELSE m.arr / nullif(c.arr_before, 0) - 1 END AS price_change,
       s.seats_now, s.seats_before,
       a.employees
FROM main m
JOIN renewing r ON r.account_id = m.account_id
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = m.account_id
LEFT JOIN priced c ON c.account_id = m.account_id AND c.external_id = m.external_id
LEFT JOIN seats s ON s.account_id = m.account_id
"""  # noqa: S608

# What is overdue against what is paid in a year. In one currency as they are; else through the day's rates, and
# unknown where one is missing: money is never taken 1:1.
ARREARS = """
WITH rate AS (
    SELECT DISTINCT ON (currency) currency, rate
    FROM accounts_fxrate
    WHERE tenant_id = %(tenant)s AND day <= %(day)s::date
    ORDER BY currency, day DESC
), side AS (
    SELECT account_id, currency, count(*) AS owing, sum(amount) AS owed, 0::numeric AS arr
    FROM accounts_invoice
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND issued_at < %(start)s
      AND (voided_at IS NULL OR voided_at >= %(start)s)
      AND due_at < %(start)s AND (paid_at IS NULL OR paid_at >= %(start)s)
    GROUP BY account_id, currency
    UNION ALL
    SELECT account_id, currency, 0, 0, sum(arr)
    FROM accounts_subscription
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
      AND renewal_date >= %(day)s::date
    GROUP BY account_id, currency
), priced AS (
    SELECT s.*, coalesce(r.rate, CASE WHEN s.currency = %(currency)s THEN 1 END) AS rate
    FROM side s LEFT JOIN rate r ON r.currency = s.currency
)
SELECT account_id,
       sum(owing) AS owing,
       CASE WHEN min(currency) = max(currency) THEN sum(owed) / nullif(sum(arr), 0)
            WHEN bool_and(rate IS NOT NULL) THEN sum(owed * rate) / nullif(sum(arr * rate), 0) END AS share
FROM priced
GROUP BY account_id
HAVING sum(owing) > 0
"""

# what became of earlier terms; a downgrade is a loss that leaves no other mark in the terms of today
OUTCOMES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(effective_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(effective_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE kind = 'downgraded'
                          AND effective_at >= {since("business.downgrades_365d")}) AS downgraded_365,
       %(day)s::date - (max(effective_at) FILTER (WHERE kind = 'downgraded')
           AT TIME ZONE 'UTC')::date AS downgraded_ago
FROM accounts_outcome
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND effective_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (constants of this module)
