"""Support tickets."""

from scoring.features.statements.windows import since

# csat counts from closed_at, so a rating belongs to the window in which its ticket closed
TICKETS = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(opened_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(opened_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE opened_at >= %(start)s - interval '30 days') AS opened_30,
       count(*) FILTER (WHERE opened_at >= {since("satisfaction.ticket_spike")}
                          AND opened_at < %(start)s - interval '30 days') AS opened_before,
       count(*) FILTER (WHERE escalated_at < %(start)s
                          AND (closed_at IS NULL OR closed_at >= %(start)s)) AS escalations_open,
       %(day)s::date - (max(escalated_at) FILTER (
           WHERE escalated_at < %(start)s
             AND (closed_at IS NULL OR closed_at >= %(start)s)) AT TIME ZONE 'UTC')::date AS escalated_ago,
       count(*) FILTER (WHERE escalated_at >= {since("satisfaction.escalations_90d")}
                          AND escalated_at < %(start)s) AS escalations_90,
       count(*) FILTER (WHERE opened_at < %(start)s - interval '7 days'
                          AND (closed_at IS NULL OR closed_at >= %(start)s)) AS backlog,
       count(*) FILTER (WHERE closed_at >= {since("satisfaction.resolution_days")}
                          AND closed_at < %(start)s) AS closed_90,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at)::bigint) FILTER (
           WHERE closed_at >= {since("satisfaction.resolution_days")}
             AND closed_at < %(start)s) AS resolution_seconds,
       count(*) FILTER (WHERE opened_at >= {since("satisfaction.slow_replies")}
                          AND (first_response_at < %(start)s
                               OR opened_at < %(start)s - interval '24 hours')) AS answerable_90,
       count(*) FILTER (WHERE opened_at >= {since("satisfaction.slow_replies")}
                          AND least(first_response_at, %(start)s) > opened_at + interval '24 hours') AS slow_90,
       count(csat) FILTER (WHERE closed_at >= {since("satisfaction.csat_90d")}
                             AND closed_at < %(start)s) AS csat_count_90,
       sum(csat) FILTER (WHERE closed_at >= {since("satisfaction.csat_90d")}
                           AND closed_at < %(start)s) AS csat_sum_90,
       count(csat) FILTER (WHERE closed_at >= {since("satisfaction.change.now")}
                             AND closed_at < %(start)s) AS rating_count_now,
       sum((csat - 1) * 30) FILTER (WHERE closed_at >= {since("satisfaction.change.now")}
                                      AND closed_at < %(start)s) AS rating_sum_now,
       count(csat) FILTER (WHERE closed_at >= {since("satisfaction.change")}
                             AND closed_at < {since("satisfaction.change.now")}) AS rating_count_before,
       sum((csat - 1) * 30) FILTER (WHERE closed_at >= {since("satisfaction.change")}
                                      AND closed_at < {since("satisfaction.change.now")}) AS rating_sum_before
FROM accounts_ticket
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND opened_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (constants of this module)
