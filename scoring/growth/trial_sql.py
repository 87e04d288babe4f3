"""SQL of trials: what each had done by a day of its life, what became of it, and how use spreads from person to person.

A trial begins at `trial_started_at` and ends with `converted_at`, else with `customer_since`; without either it counts
as running for 60 days and as not converted afterwards, for an import tells no other end.
"""

# one line a trial and day: past trials on days 7, 14, 21 and 28 of their lives, running ones on the day itself
POINTS = """
WITH trials AS (
    SELECT a.id, a.trial_started_at AS began,
           least(a.converted_at, (a.customer_since::timestamp AT TIME ZONE 'UTC')) AS won
      FROM accounts_account a
     WHERE a.tenant_id = %(tenant)s AND a.trial_started_at < %(day_at)s
       AND a.trial_started_at >= %(day_at)s - interval '730 days'
), points AS (
    SELECT t.*, (t.began AT TIME ZONE 'UTC')::date + age AS day, age, false AS runs
      FROM trials t CROSS JOIN unnest(ARRAY[7, 14, 21, 28]) AS age
     WHERE (t.began AT TIME ZONE 'UTC')::date + age < %(day)s
       AND (t.won IS NULL OR t.won >= (((t.began AT TIME ZONE 'UTC')::date + age)::timestamp AT TIME ZONE 'UTC'))
    UNION ALL
    SELECT t.*, %(day)s, %(day)s - (t.began AT TIME ZONE 'UTC')::date, true
      FROM trials t
     WHERE t.began >= %(day_at)s - interval '60 days' AND (t.won IS NULL OR t.won >= %(day_at)s)
       AND NOT EXISTS (SELECT 1 FROM accounts_outcome o WHERE o.tenant_id = %(tenant)s AND o.account_id = t.id
                          AND o.kind = 'churned' AND o.effective_at < %(day_at)s)
)
SELECT p.id, p.runs, p.age, (p.began AT TIME ZONE 'UTC')::date,
       CASE WHEN p.won < %(day_at)s THEN (p.won AT TIME ZONE 'UTC')::date - p.day END AS won_after,
       %(day)s - p.day AS seen,
       u.active_days, u.active_users, u.features, d.people, c.joined
  FROM points p
  LEFT JOIN LATERAL (
       SELECT count(*) FILTER (WHERE greatest(u.active_users, u.logins, u.sessions, u.core_events) > 0) AS active_days,
              avg(u.active_users) AS active_users, max(u.features_used) AS features
         FROM accounts_usage_day u
        WHERE u.tenant_id = %(tenant)s AND u.account_id = p.id AND u.day >= p.day - 7 AND u.day < p.day
       HAVING count(*) > 0) u ON true
  LEFT JOIN LATERAL (
       SELECT nullif(count(DISTINCT d.contact_external_id) FILTER (WHERE d.contact_external_id <> ''), 0) AS people
         FROM accounts_usage_detail d
        WHERE d.tenant_id = %(tenant)s AND d.account_id = p.id AND d.day >= p.day - 7 AND d.day < p.day) d ON true
  LEFT JOIN LATERAL (
       SELECT nullif(count(*), 0) AS joined FROM accounts_contact c
        WHERE c.tenant_id = %(tenant)s AND c.account_id = p.id AND c.joined_at >= p.began
          AND c.joined_at < (p.day::timestamp AT TIME ZONE 'UTC')) c ON true
 ORDER BY p.id, p.age
"""

# trials that began in a window whose 60 days are over: how many converted, and after how many days
ENDED = """
SELECT count(*), count(*) FILTER (WHERE won < began + interval '60 days'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM won - began) / 86400, 0))
              FILTER (WHERE won < began + interval '60 days')
  FROM (SELECT a.trial_started_at AS began,
               least(a.converted_at, (a.customer_since::timestamp AT TIME ZONE 'UTC')) AS won
          FROM accounts_account a WHERE a.tenant_id = %(tenant)s) t
 WHERE began >= %(day_at)s - interval '425 days' AND began < %(day_at)s - interval '60 days'
   -- who was a customer before is no trial that converts; days alone, because customer_since has no hour
   AND (won IS NULL OR (won AT TIME ZONE 'UTC')::date >= (began AT TIME ZONE 'UTC')::date)
"""

# people by usage_detail: active in the 30 days before the window, new in it, and what the data calls an invite
SPREAD = """
WITH people AS (
    SELECT d.account_id, d.contact_external_id, min(d.day) AS first,
           bool_or(d.day >= %(day)s - 60 AND d.day < %(day)s - 30) AS was_active
      FROM accounts_usage_detail d
     WHERE d.tenant_id = %(tenant)s AND d.contact_external_id <> '' AND d.count > 0 AND d.day < %(day)s
     GROUP BY d.account_id, d.contact_external_id
), accounts AS (
    SELECT account_id, count(*) FILTER (WHERE was_active) AS active,
           count(*) FILTER (WHERE first >= %(day)s - 30) AS new
      FROM people GROUP BY account_id HAVING bool_or(was_active)
)
SELECT count(*), coalesce(sum(active), 0)::bigint, coalesce(sum(new), 0)::bigint,
       (SELECT sum(d.count) FROM accounts_usage_detail d
         WHERE d.tenant_id = %(tenant)s AND d.feature ILIKE '%%invit%%' AND d.day >= %(day)s - 30 AND d.day < %(day)s
           AND d.account_id IN (SELECT account_id FROM accounts))
  FROM accounts
"""
