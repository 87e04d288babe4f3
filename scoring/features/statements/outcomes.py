"""What the customer wanted to reach."""

# what was expected of an objective counts when it was reached and its value is known, or fell due and was not reached
WORTH = """expected_value > 0 AND (
               (achieved_at >= %(start)s - interval '365 days' AND achieved_at < %(start)s
                AND value_realized IS NOT NULL)
               OR (due_at >= %(start)s - interval '365 days' AND due_at < %(start)s
                   AND (achieved_at IS NULL OR achieved_at >= %(start)s)))"""

OBJECTIVES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(declared_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(declared_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s) AS due_365,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s
                          AND (achieved_at IS NULL OR achieved_at >= %(start)s)) AS missed_365,
       count(*) FILTER (WHERE achieved_at >= %(start)s - interval '365 days'
                          AND achieved_at < %(start)s) AS reached_365,
       %(day)s::date - (max(achieved_at) FILTER (WHERE achieved_at < %(start)s)
           AT TIME ZONE 'UTC')::date AS reached_ago,
       %(day)s::date - (min(achieved_at) FILTER (WHERE achieved_at < %(start)s)
           AT TIME ZONE 'UTC')::date AS first_reached_ago,
       sum(expected_value) FILTER (WHERE {WORTH}) AS expected_365,
       sum(CASE WHEN achieved_at < %(start)s THEN value_realized::numeric ELSE 0 END) FILTER (
           WHERE {WORTH}) AS realised_365
FROM accounts_objective
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND declared_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (a constant of this module)

# no event time of their own: they count from customer_since, and only customers are asked for
MILESTONES = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (max(completed_at) FILTER (WHERE completed_at < %(start)s) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s) AS due_365,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days' AND due_at < %(start)s
                          AND (completed_at IS NULL OR completed_at >= %(start)s)) AS late_365,
       count(*) FILTER (WHERE stage = 'onboarding' AND due_at >= %(start)s - interval '365 days') AS onboarding,
       count(*) FILTER (WHERE stage = 'onboarding' AND due_at >= %(start)s - interval '365 days'
                          AND due_at < %(start)s) AS onboarding_due_365,
       count(*) FILTER (WHERE stage = 'onboarding' AND due_at >= %(start)s - interval '365 days'
                          AND due_at < %(start)s AND completed_at <= due_at) AS onboarding_in_time_365,
       %(day)s::date - (min(due_at) FILTER (
           WHERE stage = 'onboarding' AND due_at >= %(start)s - interval '365 days' AND due_at < %(start)s
             AND (completed_at IS NULL OR completed_at >= %(start)s)) AT TIME ZONE 'UTC')::date AS onboarding_open_ago,
       %(day)s::date - (min(completed_at) FILTER (WHERE stage = 'adoption' AND completed_at < %(start)s)
           AT TIME ZONE 'UTC')::date AS adopted_ago
FROM accounts_milestone
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
GROUP BY account_id
"""
