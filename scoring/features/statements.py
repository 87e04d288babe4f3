"""One statement an evidence table. Each gives one row an account with figures known before %(start)s (day 00:00 UTC).

A row counts from its own event time, a later fact in it from that fact's time (docs/import.md, "Time travel").
Every figure is a count, a number of days, or a sum over integers or numeric, so the physical order of rows cannot
show in the last digit. `x_ago` is whole days before the day: 1 is the day before.
"""

CUSTOMERS = """
SELECT a.id, a.external_id, a.segment, %(day)s::date - a.customer_since AS tenure_days
FROM accounts_account a
WHERE a.tenant_id = %(tenant)s AND a.customer_since < %(day)s::date
  AND NOT EXISTS (SELECT 1 FROM accounts_outcome o
                  WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id
                    AND o.kind = 'churned' AND o.effective_at < %(start)s)
ORDER BY a.id
"""

# Usage is float8, whose sums change with the order of rows; in ten-thousandths as whole numbers they cannot, and cost a
# third of numeric's. What would not fit (over 900 trillion a day) counts as that much; unknown stays unknown.
_EXACT = "(CASE WHEN {0} < 9e14 THEN {0} WHEN {0} >= 9e14 THEN 9e14 END * 10000)::bigint"
_USERS, _EVENTS, _FEATURES = (
    _EXACT.format(name) for name in ("active_users", "core_events", "features_used")
)
_LAST_30 = "FILTER (WHERE day >= %(day)s::date - 30)"
_60_BEFORE = "FILTER (WHERE day >= %(day)s::date - 90 AND day < %(day)s::date - 30)"

USAGE = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - min(day) AS first_ago,
       %(day)s::date - max(day) AS last_ago,
       %(day)s::date - max(day) FILTER (
           WHERE active_users > 0 OR core_events > 0 OR sessions > 0 OR logins > 0) AS active_ago,
       count(active_users) {_LAST_30} AS users_days_30,
       sum({_USERS}) {_LAST_30} / 10000 AS users_sum_30,
       count(active_users) {_60_BEFORE} AS users_days_60,
       sum({_USERS}) {_60_BEFORE} / 10000 AS users_sum_60,
       count(core_events) {_LAST_30} AS events_days_30,
       sum({_EVENTS}) {_LAST_30} / 10000 AS events_sum_30,
       count(core_events) {_60_BEFORE} AS events_days_60,
       sum({_EVENTS}) {_60_BEFORE} / 10000 AS events_sum_60,
       count(features_used) {_LAST_30} AS features_days_30,
       sum({_FEATURES}) {_LAST_30} / 10000 AS features_sum_30
FROM accounts_usage_day
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s
  AND day >= %(day)s::date - 180 AND day < %(day)s::date
GROUP BY account_id
"""  # noqa: S608  (constants of this module)

# csat counts from closed_at, so a rating belongs to the window in which its ticket closed
TICKETS = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(opened_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(opened_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE opened_at >= %(start)s - interval '30 days') AS opened_30,
       count(*) FILTER (WHERE opened_at >= %(start)s - interval '210 days'
                          AND opened_at < %(start)s - interval '30 days') AS opened_before,
       count(*) FILTER (WHERE escalated_at < %(start)s
                          AND (closed_at IS NULL OR closed_at >= %(start)s)) AS escalations_open,
       %(day)s::date - (max(escalated_at) FILTER (
           WHERE escalated_at < %(start)s
             AND (closed_at IS NULL OR closed_at >= %(start)s)) AT TIME ZONE 'UTC')::date AS escalated_ago,
       count(*) FILTER (WHERE opened_at >= %(start)s - interval '90 days'
                          AND (first_response_at < %(start)s
                               OR opened_at < %(start)s - interval '24 hours')) AS answerable_90,
       count(*) FILTER (WHERE opened_at >= %(start)s - interval '90 days'
                          AND least(first_response_at, %(start)s) > opened_at + interval '24 hours') AS slow_90,
       count(csat) FILTER (WHERE closed_at >= %(start)s - interval '90 days'
                             AND closed_at < %(start)s) AS csat_count_90,
       sum(csat) FILTER (WHERE closed_at >= %(start)s - interval '90 days'
                           AND closed_at < %(start)s) AS csat_sum_90,
       count(csat) FILTER (WHERE closed_at >= %(start)s - interval '90 days'
                             AND closed_at < %(start)s) AS rating_count_now,
       sum((csat - 1) * 30) FILTER (WHERE closed_at >= %(start)s - interval '90 days'
                                      AND closed_at < %(start)s) AS rating_sum_now,
       count(csat) FILTER (WHERE closed_at >= %(start)s - interval '270 days'
                             AND closed_at < %(start)s - interval '90 days') AS rating_count_before,
       sum((csat - 1) * 30) FILTER (WHERE closed_at >= %(start)s - interval '270 days'
                                      AND closed_at < %(start)s - interval '90 days') AS rating_sum_before
FROM accounts_ticket
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND opened_at < %(start)s
GROUP BY account_id
"""

# ratings in parts of 120: nps 0-10, csat and review 1-5, ces 1-7 all land on whole numbers
SURVEYS = """
WITH answers AS (
    SELECT account_id, kind, score, responded_at, (responded_at AT TIME ZONE 'UTC')::date AS answered,
           max((responded_at AT TIME ZONE 'UTC')::date) OVER (PARTITION BY account_id, kind) AS newest,
           CASE kind WHEN 'nps' THEN score * 12 WHEN 'ces' THEN (score - 1) * 20
                     WHEN 'csat' THEN (score - 1) * 30 WHEN 'review' THEN (score - 1) * 30 END AS rating
    FROM accounts_survey
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND responded_at < %(start)s
)
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - min(answered) AS first_ago,
       %(day)s::date - max(answered) AS last_ago,
       %(day)s::date - max(answered) FILTER (WHERE kind = 'nps') AS nps_ago,
       count(*) FILTER (WHERE kind = 'nps' AND answered = newest
                          AND responded_at >= %(start)s - interval '365 days') AS nps_count,
       sum(score) FILTER (WHERE kind = 'nps' AND answered = newest
                            AND responded_at >= %(start)s - interval '365 days') AS nps_sum,
       count(*) FILTER (WHERE kind = 'csat'
                          AND responded_at >= %(start)s - interval '90 days') AS csat_count_90,
       sum(score) FILTER (WHERE kind = 'csat'
                            AND responded_at >= %(start)s - interval '90 days') AS csat_sum_90,
       count(rating) FILTER (WHERE responded_at >= %(start)s - interval '90 days') AS rating_count_now,
       sum(rating) FILTER (WHERE responded_at >= %(start)s - interval '90 days') AS rating_sum_now,
       count(rating) FILTER (WHERE responded_at >= %(start)s - interval '270 days'
                               AND responded_at < %(start)s - interval '90 days') AS rating_count_before,
       sum(rating) FILTER (WHERE responded_at >= %(start)s - interval '270 days'
                             AND responded_at < %(start)s - interval '90 days') AS rating_sum_before
FROM answers
GROUP BY account_id
"""

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

INVOICES = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(issued_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(issued_at) AT TIME ZONE 'UTC')::date AS last_ago,
       %(day)s::date - (min(due_at) FILTER (
           WHERE due_at < %(start)s AND (paid_at IS NULL OR paid_at >= %(start)s))
           AT TIME ZONE 'UTC')::date AS overdue_days,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days'
                          AND due_at < %(start)s - interval '5 days') AS due_365,
       count(*) FILTER (WHERE due_at >= %(start)s - interval '365 days'
                          AND due_at < %(start)s - interval '5 days'
                          AND least(paid_at, %(start)s) > due_at + interval '5 days') AS late_365
FROM accounts_invoice
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND issued_at < %(start)s
  AND (voided_at IS NULL OR voided_at >= %(start)s)
GROUP BY account_id
"""

# active on the day: started before it, and not past its renewal date
SUBSCRIPTIONS = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(started_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(started_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE renewal_date >= %(day)s::date) AS active,
       sum(seats) FILTER (WHERE renewal_date >= %(day)s::date) AS seats,
       count(*) FILTER (WHERE renewal_date >= %(day)s::date AND cancelled_at < %(start)s) AS noticed,
       %(day)s::date - (max(cancelled_at) FILTER (
           WHERE renewal_date >= %(day)s::date AND cancelled_at < %(start)s) AT TIME ZONE 'UTC')::date AS noticed_ago,
       min(renewal_date) FILTER (
           WHERE renewal_date >= %(day)s::date
             AND (auto_renew IS NOT TRUE OR cancelled_at < %(start)s)) - %(day)s::date AS decision_in,
       %(day)s::date - max(renewal_date) AS ended_ago
FROM accounts_subscription
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
GROUP BY account_id
"""

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

COMPANY_EVENTS = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(published_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(published_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE published_at >= %(start)s - interval '90 days'
                          AND kind IN ('layoffs', 'acquisition', 'leadership_change', 'restructuring',
                                       'competitor_mention')) AS adverse_90
FROM accounts_companyevent
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND published_at < %(start)s
GROUP BY account_id
"""

# what the account pays: one row an account and currency, and its largest active term (ties by the source's own id)
ARR = """
SELECT account_id, currency, sum(arr) FILTER (WHERE renewal_date >= %(day)s::date) AS arr,
       (array_agg(renewal_date ORDER BY arr DESC, renewal_date, external_id)
           FILTER (WHERE renewal_date >= %(day)s::date))[1] AS renewal_date,
       max(arr) FILTER (WHERE renewal_date >= %(day)s::date) AS largest,
       max(renewal_date) AS last_end
FROM accounts_subscription
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND started_at < %(start)s
GROUP BY account_id, currency
ORDER BY account_id, currency
"""

RATES = """
SELECT DISTINCT ON (currency) currency, rate
FROM accounts_fxrate
WHERE tenant_id = %(tenant)s AND day <= %(day)s::date
ORDER BY currency, day DESC
"""

EVIDENCE = {
    "usage": USAGE,
    "tickets": TICKETS,
    "surveys": SURVEYS,
    "activities": ACTIVITIES,
    "people": PEOPLE,
    "contacts": CONTACTS,
    "invoices": INVOICES,
    "subscriptions": SUBSCRIPTIONS,
    "objectives": OBJECTIVES,
    "milestones": MILESTONES,
    "company_events": COMPANY_EVENTS,
}
