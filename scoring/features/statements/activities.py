"""Mails, calls and meetings, and who took part in them."""

from scoring.features.statements.roles import JOIN, ROLE
from scoring.features.statements.windows import since

MEETINGS = "('call', 'meeting', 'qbr', 'training', 'planning_session', 'advisory_council')"
REVIEWS = "('qbr', 'planning_session', 'advisory_council')"
# taking part in the community: how often in a year, and when last
_COMMUNITY = ",\n".join(
    f"       count(*) FILTER (WHERE kind = '{kind}' AND occurred_at >= {since(key)}) AS {name}_365,\n"
    f"       %(day)s::date - (max(occurred_at) FILTER (WHERE kind = '{kind}') AT TIME ZONE 'UTC')::date AS {name}_ago"
    for name, kind, key in (
        ("posts", "community_post", "engagement.community_posts"),
        ("docs", "docs_contribution", "engagement.docs_contributions"),
        ("talks", "conference_talk", "engagement.talks"),
        ("betas", "beta_program", "engagement.beta_programs"),
    )
)  # fmt: skip

ACTIVITIES = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(occurred_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(occurred_at) AT TIME ZONE 'UTC')::date AS last_ago,
       %(day)s::date - (max(occurred_at) FILTER (
           WHERE kind IN {MEETINGS} OR (direction = 'inbound' AND kind <> 'note'))
           AT TIME ZONE 'UTC')::date AS two_way_ago,
       count(*) FILTER (WHERE kind IN {MEETINGS}
                          AND occurred_at >= {since("engagement.meetings_90d")}) AS meetings_90,
       count(*) FILTER (WHERE kind = 'email' AND direction = 'inbound'
                          AND occurred_at >= {since("engagement.inbound_share")}) AS mails_in_90,
       count(*) FILTER (WHERE kind = 'email' AND direction = 'outbound'
                          AND occurred_at >= {since("engagement.inbound_share")}) AS mails_out_90,
       count(*) FILTER (WHERE kind = 'training'
                          AND occurred_at >= {since("engagement.trainings_365d")}) AS trainings,
       %(day)s::date - (max(occurred_at) FILTER (WHERE kind = 'training') AT TIME ZONE 'UTC')::date AS training_ago,
{_COMMUNITY}
FROM accounts_activity
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND occurred_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (a constant of this module)

_SILENT_SINCE = "%(start)s - interval '365 days'"  # how far back contact with a champion is looked for
_OF_PEOPLE = (
    "stakeholders.active_contacts", "stakeholders.single_threaded", "stakeholders.multi_threading",
    "stakeholders.champion_strength", "stakeholders.sponsor_contact_days", "stakeholders.executive_depth",
    "stakeholders.department_spread",
)  # fmt: skip
_EARLIEST = f"least({', '.join((_SILENT_SINCE, *map(since, _OF_PEOPLE)))})"
# A person named in an activity but not (yet) in contacts still was in touch; only known leavers are left out. One row a
# person first: joining contacts to every mention costs three times as much.
PEOPLE = f"""
WITH touched AS MATERIALIZED (
    SELECT a.account_id, who.external_id,
           max(a.occurred_at) FILTER (WHERE a.kind <> 'note') AS last_at,
           max(a.occurred_at) FILTER (
               WHERE a.kind IN {MEETINGS} OR (a.direction = 'inbound' AND a.kind <> 'note')) AS two_way_at,
           count(*) FILTER (WHERE a.kind <> 'note'
                              AND a.occurred_at >= {since("stakeholders.champion_strength")}) AS times,
           count(*) FILTER (WHERE a.kind IN {REVIEWS}
                              AND a.occurred_at >= {since("stakeholders.executive_depth")}) AS reviews,
           max(a.occurred_at) FILTER (WHERE a.kind IN {REVIEWS}
                                        AND a.occurred_at >= {since("stakeholders.executive_depth")}) AS review_at
    FROM accounts_activity a
    CROSS JOIN LATERAL unnest(a.contact_external_ids) AS who (external_id)
    WHERE a.tenant_id = %(tenant)s AND a.account_id BETWEEN %(first)s AND %(last)s
      AND a.occurred_at >= {_EARLIEST} AND a.occurred_at < %(start)s
    GROUP BY a.account_id, who.external_id
), person AS (
    SELECT t.*, lower(nullif(c.department, '')) AS department,
           coalesce(c.departed_at < %(start)s, false) AS has_left,
           c.id IS NOT NULL AND (c.joined_at IS NULL OR c.joined_at < %(start)s)
               AND (c.departed_at IS NULL OR c.departed_at >= %(start)s) AS is_here,
           {ROLE} = 'champion' AS is_champion,
           c.seniority = 'c_level' AS is_chief,
           {ROLE} IN ('executive_sponsor', 'economic_buyer') OR c.seniority IN ('c_level', 'vp') AS is_sponsor
    FROM touched t
    LEFT JOIN accounts_contact c
           ON c.tenant_id = %(tenant)s AND c.external_id = t.external_id AND c.account_id = t.account_id
    {JOIN}
)
SELECT account_id,
       count(*) FILTER (WHERE NOT has_left AND last_at >= {since("stakeholders.active_contacts")}) AS active,
       count(*) FILTER (WHERE NOT has_left AND last_at >= {since("stakeholders.single_threaded")}) AS threads,
       count(*) FILTER (WHERE is_here AND last_at >= {since("stakeholders.multi_threading")}) AS known_active,
       sum(times) FILTER (WHERE NOT has_left) AS times,
       sum(times) FILTER (WHERE is_here AND is_champion) AS champion_times,
       %(day)s::date - (max(two_way_at) FILTER (
           WHERE is_here AND is_champion AND two_way_at >= {_SILENT_SINCE}) AT TIME ZONE 'UTC')::date AS champion_ago,
       %(day)s::date - (max(two_way_at) FILTER (
           WHERE is_here AND is_sponsor AND two_way_at >= {since("stakeholders.sponsor_contact_days")})
           AT TIME ZONE 'UTC')::date AS sponsor_ago,
       sum(reviews) FILTER (WHERE is_here AND is_chief) AS chief_reviews,
       %(day)s::date - (max(review_at) FILTER (
           WHERE is_here AND is_chief) AT TIME ZONE 'UTC')::date AS chief_review_ago,
       count(DISTINCT department) FILTER (
           WHERE is_here AND last_at >= {since("stakeholders.department_spread")}) AS departments
FROM person
GROUP BY account_id
"""  # noqa: S608
