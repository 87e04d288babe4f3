"""SQL of signs that an account may buy more, at past days and now, with what followed within 90 days.

Past days lie 90 apart, so that no purchase is counted for two of them. Everything is read as it stood on the day.
"""

# customers of each day with the seats and the main product of their running terms
_BASE = """
days AS (SELECT day, (day::timestamp AT TIME ZONE 'UTC') AS at FROM unnest(%(days)s::date[]) AS day),
base AS (
    SELECT d.day, d.at, a.id AS account_id,
           sum(s.seats) AS seats, (array_agg(s.product ORDER BY s.arr DESC, s.external_id))[1] AS product
      FROM days d
      JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.customer_since < d.day
      JOIN accounts_subscription s ON s.tenant_id = %(tenant)s AND s.account_id = a.id AND s.started_at < d.at
                                  AND s.renewal_date >= d.day
     WHERE NOT EXISTS (SELECT 1 FROM accounts_outcome o WHERE o.tenant_id = %(tenant)s AND o.account_id = a.id
                          AND o.kind = 'churned' AND o.effective_at < d.at)
     GROUP BY d.day, d.at, a.id
)
"""

# seats: the busiest day of the last 30 against the seats; growth: the means of 30 days and of the 30 before
ACCOUNTS = f"""
WITH {_BASE}, used AS (
    SELECT b.day, b.account_id, max(u.active_users) FILTER (WHERE u.day >= b.day - 30) AS busiest,
           avg(u.active_users) FILTER (WHERE u.day >= b.day - 30) AS mean,
           avg(u.active_users) FILTER (WHERE u.day < b.day - 30) AS mean_before,
           count(u.active_users) FILTER (WHERE u.day >= b.day - 30) AS known,
           count(u.active_users) FILTER (WHERE u.day < b.day - 30) AS known_before
      FROM base b JOIN accounts_usage_day u ON u.tenant_id = %(tenant)s AND u.account_id = b.account_id
                                           AND u.day >= b.day - 60 AND u.day < b.day
     GROUP BY b.day, b.account_id
), bought AS (
    SELECT account_id, effective_at AS at FROM accounts_outcome WHERE tenant_id = %(tenant)s AND kind = 'expanded'
    UNION ALL
    SELECT account_id, closed_at FROM accounts_opportunity
     WHERE tenant_id = %(tenant)s AND type = 'expansion' AND won AND closed_at IS NOT NULL
)
SELECT b.day, b.account_id, b.product, b.seats, u.busiest, u.mean, u.mean_before, u.known, u.known_before,
       (SELECT extract(day FROM min(x.at) - b.at)::int FROM bought x
         WHERE x.account_id = b.account_id AND x.at >= b.at AND x.at < b.at + interval '90 days') AS bought_after
  FROM base b JOIN used u ON u.day = b.day AND u.account_id = b.account_id
 ORDER BY b.day, b.account_id
"""  # noqa: S608  constants of this module

# the product that most of the similar customers have on the day and that no term so far names; similar: of the same
# segment and industry, or of the same segment where there are too few of them
SIMILAR = f"""
WITH {_BASE}, kind AS (
    SELECT b.day, b.at, b.account_id, a.segment, a.industry
      FROM base b JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = b.account_id WHERE a.segment <> ''
), own AS (
    SELECT DISTINCT k.day, k.account_id, k.segment, k.industry, s.product
      FROM kind k JOIN accounts_subscription s ON s.tenant_id = %(tenant)s AND s.account_id = k.account_id
                                              AND s.started_at < k.at AND s.renewal_date >= k.day AND s.product <> ''
), sizes AS (
    SELECT k.*, count(*) OVER (PARTITION BY day, segment) - 1 AS wide,
           CASE WHEN industry = '' THEN 0 ELSE count(*) OVER (PARTITION BY day, segment, industry) - 1 END AS narrow
      FROM kind k
), held AS (
    SELECT day, segment, industry, grouping(industry) = 0 AS is_narrow, product, count(*) AS owners
      FROM own GROUP BY GROUPING SETS ((day, segment, industry, product), (day, segment, product))
)
SELECT DISTINCT ON (z.day, z.account_id) z.day, z.account_id, h.product, h.is_narrow,
       h.owners::float8 / CASE WHEN h.is_narrow THEN z.narrow ELSE z.wide END AS share,
       CASE WHEN h.is_narrow THEN z.narrow ELSE z.wide END AS others,
       (SELECT extract(day FROM min(s.started_at) - z.at)::int FROM accounts_subscription s
         WHERE s.tenant_id = %(tenant)s AND s.account_id = z.account_id AND s.product = h.product
           AND s.started_at >= z.at AND s.started_at < z.at + interval '90 days') AS bought_after
  FROM sizes z
  JOIN held h ON h.day = z.day AND h.segment = z.segment AND h.is_narrow = (z.narrow >= %(least)s)
             AND (NOT h.is_narrow OR h.industry = z.industry)
 WHERE CASE WHEN h.is_narrow THEN z.narrow ELSE z.wide END >= %(least)s
   AND h.owners >= %(common)s * CASE WHEN h.is_narrow THEN z.narrow ELSE z.wide END
   AND NOT EXISTS (SELECT 1 FROM accounts_subscription s WHERE s.tenant_id = %(tenant)s
                      AND s.account_id = z.account_id AND s.product = h.product AND s.started_at < z.at)
 ORDER BY z.day, z.account_id, share DESC, h.product
"""  # noqa: S608  constants of this module

# a product that was used within 30 days and that no term so far names, by its id or by its name
PRODUCTS = f"""
WITH {_BASE}, tried AS (
    SELECT b.day, b.at, b.account_id, u.product,
           array_agg(DISTINCT u.contact_external_id) FILTER (WHERE u.contact_external_id <> '') AS people,
           sum(u.count) AS uses
      FROM base b JOIN accounts_usage_detail u ON u.tenant_id = %(tenant)s AND u.account_id = b.account_id
                                              AND u.day >= b.day - 30 AND u.day < b.day AND u.product <> ''
     GROUP BY b.day, b.at, b.account_id, u.product HAVING sum(u.count) > 0
), called AS (
    SELECT t.*, array_remove(ARRAY[t.product, p.name, p.external_id]::text[], NULL) AS names
      FROM tried t LEFT JOIN LATERAL (
           SELECT name, external_id FROM accounts_product
            WHERE tenant_id = %(tenant)s AND t.product IN (name, external_id) ORDER BY id LIMIT 1) p ON true
)
SELECT c.day, c.account_id, c.product, c.people, c.uses,
       (SELECT extract(day FROM min(s.started_at) - c.at)::int FROM accounts_subscription s
         WHERE s.tenant_id = %(tenant)s AND s.account_id = c.account_id AND s.product = ANY(c.names)
           AND s.started_at >= c.at AND s.started_at < c.at + interval '90 days') AS bought_after
  FROM called c
 WHERE NOT EXISTS (SELECT 1 FROM accounts_subscription s WHERE s.tenant_id = %(tenant)s
                      AND s.account_id = c.account_id AND s.product = ANY(c.names) AND s.started_at < c.at)
 ORDER BY c.day, c.account_id, c.product
"""  # noqa: S608  constants of this module
