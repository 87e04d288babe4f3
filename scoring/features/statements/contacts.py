"""The people of the account."""

from scoring.features.statements.roles import JOIN, MOVED, NAMED, ROLE

_HERE = "(departed_at IS NULL OR departed_at >= %(start)s)"
CONTACTS = f"""
WITH {NAMED}, person AS (
    SELECT c.account_id, c.joined_at, c.departed_at, c.seniority, c.department, {ROLE} AS role,
           moved.ceased_at, greatest(moved.named_at, named.named_at) AS named_at, moved.titled_at
    FROM accounts_contact c
    {JOIN}
    {MOVED}
    LEFT JOIN named ON named.contact_id = c.id
    WHERE c.tenant_id = %(tenant)s AND c.account_id BETWEEN %(first)s AND %(last)s
      AND (c.joined_at IS NULL OR c.joined_at < %(start)s)
)
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(joined_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(joined_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE role = 'champion' AND {_HERE}) AS champions,
       %(day)s::date - (max(departed_at) FILTER (
           WHERE role = 'champion' AND departed_at < %(start)s) AT TIME ZONE 'UTC')::date AS champion_left_ago,
       %(day)s::date - (max(ceased_at) FILTER (
           WHERE role <> 'champion') AT TIME ZONE 'UTC')::date AS champion_ceased_ago,
       %(day)s::date - (max(titled_at) FILTER (
           WHERE role = 'champion' AND {_HERE} AND (named_at IS NULL OR titled_at > named_at))
           AT TIME ZONE 'UTC')::date AS champion_titled_ago,
       count(*) FILTER (WHERE (role IN ('executive_sponsor', 'economic_buyer') OR seniority IN ('c_level', 'vp'))
                          AND {_HERE}) AS sponsors,
       count(*) FILTER (WHERE {_HERE}) AS here,
       count(*) FILTER (WHERE seniority = 'c_level' AND {_HERE}) AS chiefs,
       count(*) FILTER (WHERE department <> '' AND {_HERE}) AS with_department,
       %(day)s::date - (max(joined_at) FILTER (
           WHERE role = 'champion' AND {_HERE}) AT TIME ZONE 'UTC')::date AS champion_joined_ago,
       max(CASE seniority WHEN 'c_level' THEN 100 WHEN 'vp' THEN 90 WHEN 'director' THEN 75 WHEN 'manager' THEN 55
                          WHEN 'individual' THEN 30 ELSE 40 END) FILTER (
           WHERE role = 'champion' AND {_HERE}) AS champion_rank
FROM person
GROUP BY account_id
"""  # noqa: S608  (constants of these modules)
