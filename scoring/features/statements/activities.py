"""Mails, calls and meetings, and who took part in them."""

MEETINGS = "('call', 'meeting', 'qbr', 'training', 'planning_session', 'advisory_council')"

ACTIVITIES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(occurred_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(occurred_at) AT TIME ZONE 'UTC')::date AS last_ago,
       %(day)s::date - (max(occurred_at) FILTER (
           WHERE kind IN {MEETINGS} OR (direction = 'inbound' AND kind <> 'note'))
           AT TIME ZONE 'UTC')::date AS two_way_ago,
       count(*) FILTER (WHERE kind IN {MEETINGS}
                          AND occurred_at >= %(start)s - interval '90 days') AS meetings_90,
       count(*) FILTER (WHERE kind = 'email' AND direction = 'inbound'
                          AND occurred_at >= %(start)s - interval '90 days') AS mails_in_90,
       count(*) FILTER (WHERE kind = 'email' AND direction = 'outbound'
                          AND occurred_at >= %(start)s - interval '90 days') AS mails_out_90
FROM accounts_activity
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND occurred_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (a constant of this module)

# A person named in an activity but not (yet) in contacts still was in touch; only known leavers are left out. One row a
# person first: joining contacts to every mention costs three times as much.
PEOPLE = f"""
WITH touched AS MATERIALIZED (
    SELECT a.account_id, who.external_id,
           max(a.occurred_at) FILTER (WHERE a.kind <> 'note') AS last_at,
           max(a.occurred_at) FILTER (
               WHERE a.kind IN {MEETINGS} OR (a.direction = 'inbound' AND a.kind <> 'note')) AS two_way_at
    FROM accounts_activity a
    CROSS JOIN LATERAL unnest(a.contact_external_ids) AS who (external_id)
    WHERE a.tenant_id = %(tenant)s AND a.account_id BETWEEN %(first)s AND %(last)s
      AND a.occurred_at >= %(start)s - interval '365 days' AND a.occurred_at < %(start)s
    GROUP BY a.account_id, who.external_id
)
SELECT t.account_id,
       count(*) FILTER (WHERE t.last_at >= %(start)s - interval '90 days'
                          AND (c.departed_at IS NULL OR c.departed_at >= %(start)s)) AS active_90,
       %(day)s::date - (max(t.two_way_at) FILTER (
           WHERE (c.role IN ('executive_sponsor', 'economic_buyer') OR c.seniority IN ('c_level', 'vp'))
             AND (c.joined_at IS NULL OR c.joined_at < %(start)s)
             AND (c.departed_at IS NULL OR c.departed_at >= %(start)s)) AT TIME ZONE 'UTC')::date AS sponsor_ago
FROM touched t
LEFT JOIN accounts_contact c
       ON c.tenant_id = %(tenant)s AND c.external_id = t.external_id AND c.account_id = t.account_id
GROUP BY t.account_id
"""  # noqa: S608
