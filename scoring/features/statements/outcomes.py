"""What the customer wanted to reach."""

from scoring.features.statements.windows import since

_MISSED = "(achieved_at IS NULL OR achieved_at >= %(start)s)"
# what was expected of an objective counts when it was reached and its value is known, or fell due and was not reached
WORTH = f"""expected_value > 0 AND (
               (achieved_at >= {since("outcomes.value_realised")} AND achieved_at < %(start)s
                AND value_realized IS NOT NULL)
               OR (due_at >= {since("outcomes.value_realised")} AND due_at < %(start)s
                   AND {_MISSED}))"""


def _due(key: str) -> str:
    """What fell due in the window of this key."""
    return f"due_at >= {since(key)} AND due_at < %(start)s"


_OPEN = "(completed_at IS NULL OR completed_at >= %(start)s)"
_STUCK, _IN_TIME = "outcomes.onboarding_stuck_days", "outcomes.onboarding_in_time"

OBJECTIVES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(declared_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(declared_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE {_due("outcomes.objectives_overdue")}) AS due,
       count(*) FILTER (WHERE {_due("outcomes.objectives_overdue")} AND {_MISSED}) AS overdue,
       count(*) FILTER (WHERE {_due("outcomes.objectives_reached")} AND {_MISSED}) AS missed,
       count(*) FILTER (WHERE achieved_at >= {since("outcomes.objectives_reached")}
                          AND achieved_at < %(start)s) AS reached,
       %(day)s::date - (max(achieved_at) FILTER (WHERE achieved_at < %(start)s)
           AT TIME ZONE 'UTC')::date AS reached_ago,
       %(day)s::date - (min(achieved_at) FILTER (WHERE achieved_at < %(start)s)
           AT TIME ZONE 'UTC')::date AS first_reached_ago,
       sum(expected_value) FILTER (WHERE {WORTH}) AS expected,
       sum(CASE WHEN achieved_at < %(start)s THEN value_realized::numeric ELSE 0 END) FILTER (
           WHERE {WORTH}) AS realised
FROM accounts_objective
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND declared_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (a constant of this module)

# no event time of their own: they count from customer_since, and only customers are asked for
MILESTONES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (max(completed_at) FILTER (WHERE completed_at < %(start)s) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE {_due("outcomes.milestones_late")}) AS due,
       count(*) FILTER (WHERE {_due("outcomes.milestones_late")} AND {_OPEN}) AS late,
       count(*) FILTER (WHERE stage = 'onboarding' AND due_at >= {since(_STUCK)}) AS onboarding,
       count(*) FILTER (WHERE stage = 'onboarding' AND {_due(_IN_TIME)}) AS onboarding_due,
       count(*) FILTER (WHERE stage = 'onboarding' AND {_due(_IN_TIME)}
                          AND completed_at <= due_at) AS onboarding_in_time,
       %(day)s::date - (min(due_at) FILTER (
           WHERE stage = 'onboarding' AND {_due(_STUCK)} AND {_OPEN}) AT TIME ZONE 'UTC')::date AS onboarding_open_ago,
       %(day)s::date - (min(completed_at) FILTER (WHERE stage = 'adoption' AND completed_at < %(start)s)
           AT TIME ZONE 'UTC')::date AS adopted_ago
FROM accounts_milestone
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
GROUP BY account_id
"""  # noqa: S608
