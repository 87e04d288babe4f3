"""News of the customer's company."""

from scoring.features.statements.windows import since

COMPANY_EVENTS = f"""
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(published_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(published_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE published_at >= {since("business.adverse_news_90d")}
                          AND kind IN ('layoffs', 'acquisition', 'leadership_change', 'restructuring',
                                       'competitor_mention')) AS adverse_90,
       count(*) FILTER (WHERE kind = 'layoffs'
                          AND published_at >= {since("business.layoffs_180d")}) AS layoffs_180,
       %(day)s::date - (max(published_at) FILTER (WHERE kind = 'layoffs') AT TIME ZONE 'UTC')::date AS layoffs_ago,
       count(*) FILTER (WHERE kind = 'leadership_change'
                          AND published_at >= {since("business.leadership_change_180d")}) AS leaders_180,
       %(day)s::date - (max(published_at) FILTER (
           WHERE kind = 'leadership_change') AT TIME ZONE 'UTC')::date AS leaders_ago,
       count(*) FILTER (WHERE kind = 'competitor_mention'
                          AND published_at >= {since("business.competitor_news_180d")}) AS competitor_180,
       %(day)s::date - (max(published_at) FILTER (
           WHERE kind = 'competitor_mention') AT TIME ZONE 'UTC')::date AS competitor_ago
FROM accounts_companyevent
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND published_at < %(start)s
GROUP BY account_id
"""  # noqa: S608  (constants of this module)
