"""The main term of each account on a day: what its next decision is about."""

# The largest active term (ties as for the money), or where none is active the one that ended last. A term's length is
# counted from its own days, because months are often left empty.
TERM = """
SELECT DISTINCT ON (account_id) account_id,
       renewal_date - %(day)s::date AS renewal_in,
       renewal_date - (started_at AT TIME ZONE 'UTC')::date AS term_days,
       CASE auto_renew WHEN true THEN 1 WHEN false THEN 0 END AS auto_renew,
       CASE WHEN cancelled_at < %(start)s THEN 1 ELSE 0 END AS noticed
FROM accounts_subscription
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
ORDER BY account_id, renewal_date >= %(day)s::date DESC,
         CASE WHEN renewal_date >= %(day)s::date THEN arr END DESC NULLS LAST,
         abs(renewal_date - %(day)s::date),
         external_id
"""
