"""How customers sound in what they write, by what `scoring.sentiment` read of each text; and competitors they name.

A reading belongs to its evidence row: the row's own time says when it counts. The writer's role weighs: a sponsor, a
buyer, a chief or a vice president three times, a champion twice. Who joined later than the day has no role yet.
"""

from scoring.features.statements.roles import JOIN, ROLE
from scoring.features.statements.windows import since

_ROLE = f"""CASE WHEN {ROLE} IN ('executive_sponsor', 'economic_buyer') OR c.seniority IN ('c_level', 'vp') THEN 3
                 WHEN {ROLE} = 'champion' THEN 2 ELSE 1 END"""
# Looked up text by text through the unique index: joined freely, the planner goes through all readings (or contacts)
# for every text while its statistics know nothing of them, as right after an import.
_READ = """JOIN LATERAL (SELECT compound, confidence FROM scoring_textreading
                      WHERE tenant_id = t.tenant_id AND row_id = t.id AND version = %(lexicon)s AND kind = '{kind}'
                      LIMIT 1) r ON true"""
_OURS = "t.tenant_id = %(tenant)s AND t.account_id BETWEEN %(first)s AND %(last)s"
_WRITER = f"""LEFT JOIN LATERAL (SELECT id, role, seniority FROM accounts_contact
                        WHERE tenant_id = t.tenant_id AND external_id = {{person}} AND account_id = t.account_id
                          AND (joined_at IS NULL OR joined_at < %(start)s)
                        LIMIT 1) c ON true
    {JOIN}"""  # noqa: S608  (a constant)
_EARLIEST = (
    f"least({since('satisfaction.text_sentiment_90d')}, {since('satisfaction.comment_sentiment_180d')})"
)

TEXTS = f"""
WITH texts AS (
    SELECT t.account_id, 'ticket' AS kind, t.opened_at AS at, r.compound, r.confidence AS weight, r.confidence
    FROM accounts_ticket t {_READ.format(kind="ticket")}
    WHERE {_OURS} AND t.opened_at >= {_EARLIEST} AND t.opened_at < %(start)s
    UNION ALL
    SELECT t.account_id, 'survey', t.responded_at, r.compound, r.confidence * {_ROLE}, r.confidence
    FROM accounts_survey t {_READ.format(kind="survey")}
    {_WRITER.format(person="t.contact_external_id")}
    WHERE {_OURS} AND t.responded_at >= {_EARLIEST} AND t.responded_at < %(start)s
    UNION ALL
    SELECT t.account_id, 'activity', t.occurred_at, r.compound, r.confidence * {_ROLE}, r.confidence
    FROM accounts_activity t {_READ.format(kind="activity")}
    {_WRITER.format(person="t.contact_external_ids[1]")}
    WHERE {_OURS} AND t.occurred_at >= {_EARLIEST} AND t.occurred_at < %(start)s
)
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE confidence > 0
                          AND at >= {since("satisfaction.text_sentiment_90d")}) AS text_count,
       sum(weight) FILTER (WHERE at >= {since("satisfaction.text_sentiment_90d")}) AS text_weight,
       sum(weight * compound) FILTER (WHERE at >= {since("satisfaction.text_sentiment_90d")}) AS text_sum,
       count(*) FILTER (WHERE confidence > 0 AND kind = 'survey'
                          AND at >= {since("satisfaction.comment_sentiment_180d")}) AS comment_count,
       sum(weight) FILTER (WHERE kind = 'survey'
                             AND at >= {since("satisfaction.comment_sentiment_180d")}) AS comment_weight,
       sum(weight * compound) FILTER (WHERE kind = 'survey'
                                        AND at >= {since("satisfaction.comment_sentiment_180d")}) AS comment_sum
FROM texts
GROUP BY account_id
"""  # noqa: S608  (constants of this module)

# a row for every account once a name is on the list, so that no mention means none
COMPETITORS = f"""
SELECT a.id AS account_id,
       1 AS rows,
       %(day)s::date - (min(m.at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(m.at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(DISTINCT (m.kind, m.row_id)) FILTER (
           WHERE m.at >= {since("business.competitor_mentions_90d")}) AS mentions,
       string_agg(DISTINCT c.name, '|') FILTER (
           WHERE m.at >= {since("business.competitor_mentions_90d")}) AS mentioned_names
FROM accounts_account a
LEFT JOIN (scoring_competitormention m
           JOIN scoring_competitor c ON c.tenant_id = m.tenant_id AND c.id = m.competitor_id AND c.is_active)
       ON m.tenant_id = a.tenant_id AND m.account_id = a.id AND m.at < %(start)s
WHERE a.tenant_id = %(tenant)s AND a.id BETWEEN %(first)s AND %(last)s
  AND EXISTS (SELECT 1 FROM scoring_competitor l WHERE l.tenant_id = %(tenant)s AND l.is_active)
GROUP BY a.id
"""  # noqa: S608
