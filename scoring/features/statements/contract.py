"""Terms, invoices, what the account pays and the rates."""

from scoring.features.statements.windows import since

INVOICES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(issued_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(issued_at) AT TIME ZONE 'UTC')::date AS last_ago,
       %(day)s::date - (min(due_at) FILTER (
           WHERE due_at < %(start)s AND (paid_at IS NULL OR paid_at >= %(start)s))
           AT TIME ZONE 'UTC')::date AS overdue_days,
       count(*) FILTER (WHERE due_at >= {since("business.late_payments")}
                          AND due_at < %(start)s - interval '5 days') AS due_365,
       count(*) FILTER (WHERE due_at >= {since("business.late_payments")}
                          AND due_at < %(start)s - interval '5 days'
                          AND least(paid_at, %(start)s) > due_at + interval '5 days') AS late_365
FROM accounts_invoice
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND issued_at < %(start)s
  AND (voided_at IS NULL OR voided_at >= %(start)s)
GROUP BY account_id
"""  # noqa: S608  (constants of this module)

# active on the day: started before it, and not past its renewal date
SUBSCRIPTIONS = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(started_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(started_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE renewal_date >= %(day)s::date) AS active,
       sum(seats) FILTER (WHERE renewal_date >= %(day)s::date) AS seats,
       count(*) FILTER (WHERE renewal_date >= %(day)s::date AND cancelled_at < %(start)s) AS noticed,
       %(day)s::date - (max(cancelled_at) FILTER (
           WHERE renewal_date >= %(day)s::date AND cancelled_at < %(start)s) AT TIME ZONE 'UTC')::date AS noticed_ago,
       min(renewal_date) FILTER (
           WHERE renewal_date >= %(day)s::date
             AND (auto_renew IS NOT TRUE OR cancelled_at < %(start)s)) - %(day)s::date AS decision_in,
       %(day)s::date - max(renewal_date) AS ended_ago
FROM accounts_subscription
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
GROUP BY account_id
"""

# what the account pays: one row an account and currency, and its largest active term (ties by the source's own id)
ARR = """
SELECT account_id, currency, sum(arr) FILTER (WHERE renewal_date >= %(day)s::date) AS arr,
       (array_agg(renewal_date ORDER BY arr DESC, renewal_date, external_id)
           FILTER (WHERE renewal_date >= %(day)s::date))[1] AS renewal_date,
       max(arr) FILTER (WHERE renewal_date >= %(day)s::date) AS largest,
       max(renewal_date) AS last_end
FROM accounts_subscription
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
GROUP BY account_id, currency
ORDER BY account_id, currency
"""

RATES = """
SELECT DISTINCT ON (currency) currency, rate
FROM accounts_fxrate
WHERE tenant_id = %(tenant)s AND day <= %(day)s::date
ORDER BY currency, day DESC
"""
