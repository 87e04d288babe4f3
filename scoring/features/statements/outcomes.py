"""What the customer wanted to reach."""

OBJECTIVES = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(declared_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(declared_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s) AS due_365,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s
                          AND (achieved_at IS NULL OR achieved_at >= %(start)s)) AS missed_365
FROM accounts_objective
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND declared_at < %(start)s
GROUP BY account_id
"""

# no event time of their own: they count from customer_since, and only customers are asked for
MILESTONES = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (max(completed_at) FILTER (WHERE completed_at < %(start)s) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s) AS due_365,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s
                          AND (completed_at IS NULL OR completed_at >= %(start)s)) AS late_365
FROM accounts_milestone
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
GROUP BY account_id
"""
