"""Answers to surveys."""

from scoring.features.statements.windows import since

# ratings in parts of 120: nps 0-10, csat and review 1-5, ces 1-7 all land on whole numbers
SURVEYS = f"""
WITH answers AS (
    SELECT account_id, kind, score, responded_at, (responded_at AT TIME ZONE 'UTC')::date AS answered,
           max((responded_at AT TIME ZONE 'UTC')::date) OVER (PARTITION BY account_id, kind) AS newest,
           CASE kind WHEN 'nps' THEN score * 12 WHEN 'ces' THEN (score - 1) * 20
                     WHEN 'csat' THEN (score - 1) * 30 WHEN 'review' THEN (score - 1) * 30 END AS rating,
           comment <> '' OR kind = 'review' AS says_more
    FROM accounts_survey
    WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND responded_at < %(start)s
)
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - min(answered) AS first_ago,
       %(day)s::date - max(answered) AS last_ago,
       %(day)s::date - max(answered) FILTER (WHERE kind = 'nps') AS nps_ago,
       count(*) FILTER (WHERE kind = 'nps' AND answered = newest
                          AND responded_at >= {since("satisfaction.nps_latest")}) AS nps_count,
       sum(score) FILTER (WHERE kind = 'nps' AND answered = newest
                            AND responded_at >= {since("satisfaction.nps_latest")}) AS nps_sum,
       count(*) FILTER (WHERE kind = 'nps' AND answered < newest
                          AND responded_at >= {since("satisfaction.nps_change")}) AS nps_before_count,
       sum(score) FILTER (WHERE kind = 'nps' AND answered < newest
                            AND responded_at >= {since("satisfaction.nps_change")}) AS nps_before_sum,
       count(*) FILTER (WHERE kind = 'nps' AND answered = newest
                          AND responded_at >= {since("satisfaction.nps_change")}) AS nps_after_count,
       sum(score) FILTER (WHERE kind = 'nps' AND answered = newest
                            AND responded_at >= {since("satisfaction.nps_change")}) AS nps_after_sum,
       %(day)s::date - max(answered) FILTER (WHERE kind = 'ces') AS ces_ago,
       count(*) FILTER (WHERE kind = 'ces' AND responded_at >= {since("satisfaction.ces_180d")}) AS ces_count,
       sum(score) FILTER (WHERE kind = 'ces' AND responded_at >= {since("satisfaction.ces_180d")}) AS ces_sum,
       count(*) FILTER (WHERE kind = 'csat'
                          AND responded_at >= {since("satisfaction.csat_90d")}) AS csat_count_90,
       sum(score) FILTER (WHERE kind = 'csat'
                            AND responded_at >= {since("satisfaction.csat_90d")}) AS csat_sum_90,
       count(rating) FILTER (WHERE responded_at >= {since("satisfaction.change.now")}) AS rating_count_now,
       sum(rating) FILTER (WHERE responded_at >= {since("satisfaction.change.now")}) AS rating_sum_now,
       count(rating) FILTER (WHERE responded_at >= {since("satisfaction.change")}
                               AND responded_at < {since("satisfaction.change.now")}) AS rating_count_before,
       sum(rating) FILTER (WHERE responded_at >= {since("satisfaction.change")}
                             AND responded_at < {since("satisfaction.change.now")}) AS rating_sum_before,
       count(*) FILTER (WHERE responded_at >= {since("satisfaction.answers_365d")}) AS answers_365,
       count(*) FILTER (WHERE says_more
                          AND responded_at >= {since("satisfaction.feedback_365d")}) AS feedback_365,
       %(day)s::date - max(answered) FILTER (WHERE says_more) AS feedback_ago
FROM answers
GROUP BY account_id
"""  # noqa: S608  (constants of this module)
