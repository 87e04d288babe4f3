"""How mails go to and fro."""

from scoring.features.statements.activities import MEETINGS
from scoring.features.statements.windows import since

# A mail of ours is answered by the customer's mail that comes next, within 14 days. The streak is what we have written
# since the customer last wrote, called or met us.
MAILS = f"""
WITH recent AS (
    SELECT account_id, kind, direction, occurred_at,
           lead(direction) OVER mails AS next_direction, lead(occurred_at) OVER mails AS next_at,
           max(occurred_at) FILTER (
               WHERE kind IN {MEETINGS} OR (direction = 'inbound' AND kind <> 'note'))
               OVER (PARTITION BY account_id) AS two_way_at
    FROM accounts_activity
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
      AND occurred_at >= least({since("engagement.reply_hours")}, {since("engagement.unanswered")})
      AND occurred_at < %(start)s
    WINDOW mails AS (PARTITION BY account_id, kind = 'email' AND direction <> ''
                     ORDER BY occurred_at, external_id COLLATE "C")
)
SELECT account_id,
       count(*) FILTER (WHERE kind = 'email' AND direction = 'outbound'
                          AND occurred_at >= {since("engagement.unanswered")}
                          AND (two_way_at IS NULL OR occurred_at > two_way_at)) AS unanswered,
       count(*) FILTER (WHERE kind = 'email' AND direction = 'outbound' AND next_direction = 'inbound'
                          AND occurred_at >= {since("engagement.reply_hours")}
                          AND next_at <= occurred_at + interval '14 days') AS replies,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM next_at - occurred_at)::bigint) FILTER (
           WHERE kind = 'email' AND direction = 'outbound' AND next_direction = 'inbound'
             AND occurred_at >= {since("engagement.reply_hours")}
             AND next_at <= occurred_at + interval '14 days') AS reply_seconds
FROM recent
GROUP BY account_id
"""  # noqa: S608
