"""The people of the account."""

CONTACTS = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(joined_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(joined_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE role = 'champion'
                          AND (departed_at IS NULL OR departed_at >= %(start)s)) AS champions,
       %(day)s::date - (max(departed_at) FILTER (
           WHERE role = 'champion' AND departed_at < %(start)s) AT TIME ZONE 'UTC')::date AS champion_left_ago,
       count(*) FILTER (WHERE (role IN ('executive_sponsor', 'economic_buyer') OR seniority IN ('c_level', 'vp'))
                          AND (departed_at IS NULL OR departed_at >= %(start)s)) AS sponsors
FROM accounts_contact
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
  AND (joined_at IS NULL OR joined_at < %(start)s)
GROUP BY account_id
"""
