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
                          AND (departed_at IS NULL OR departed_at >= %(start)s)) AS sponsors,
       count(*) FILTER (WHERE departed_at IS NULL OR departed_at >= %(start)s) AS here,
       count(*) FILTER (WHERE seniority = 'c_level' AND (departed_at IS NULL OR departed_at >= %(start)s)) AS chiefs,
       count(*) FILTER (WHERE department <> ''
                          AND (departed_at IS NULL OR departed_at >= %(start)s)) AS with_department,
       %(day)s::date - (max(joined_at) FILTER (
           WHERE role = 'champion' AND (departed_at IS NULL OR departed_at >= %(start)s))
           AT TIME ZONE 'UTC')::date AS champion_joined_ago,
       max(CASE seniority WHEN 'c_level' THEN 100 WHEN 'vp' THEN 90 WHEN 'director' THEN 75 WHEN 'manager' THEN 55
                          WHEN 'individual' THEN 30 ELSE 40 END) FILTER (
           WHERE role = 'champion' AND (departed_at IS NULL OR departed_at >= %(start)s)) AS champion_rank
FROM accounts_contact
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
  AND (joined_at IS NULL OR joined_at < %(start)s)
GROUP BY account_id
"""
