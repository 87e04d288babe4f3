"""News of the customer's company."""

COMPANY_EVENTS = """
SELECT account_id,
       count(*) AS rows,
       %(day)s::date - (min(published_at) AT TIME ZONE 'UTC')::date AS first_ago,
       %(day)s::date - (max(published_at) AT TIME ZONE 'UTC')::date AS last_ago,
       count(*) FILTER (WHERE published_at >= %(start)s - interval '90 days'
                          AND kind IN ('layoffs', 'acquisition', 'leadership_change', 'restructuring',
                                       'competitor_mention')) AS adverse_90,
       count(*) FILTER (WHERE kind = 'layoffs' AND published_at >= %(start)s - interval '180 days') AS layoffs_180,
       %(day)s::date - (max(published_at) FILTER (WHERE kind = 'layoffs') AT TIME ZONE 'UTC')::date AS layoffs_ago,
       count(*) FILTER (WHERE kind = 'leadership_change'
                          AND published_at >= %(start)s - interval '180 days') AS leaders_180,
       %(day)s::date - (max(published_at) FILTER (
           WHERE kind = 'leadership_change') AT TIME ZONE 'UTC')::date AS leaders_ago,
       count(*) FILTER (WHERE kind = 'competitor_mention'
                          AND published_at >= %(start)s - interval '180 days') AS competitor_180,
       %(day)s::date - (max(published_at) FILTER (
           WHERE kind = 'competitor_mention') AT TIME ZONE 'UTC')::date AS competitor_ago
FROM accounts_companyevent
WHERE tenant_id = %(tenant)s AND account_id BETWEEN %(first)s AND %(last)s AND published_at < %(start)s
GROUP BY account_id
"""
