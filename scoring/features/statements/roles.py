"""Roles of people as a day knew them, and what changed about them: imports keep what they found changed, dated by when
Holdfast learnt of it, and people put roles right.

A role that was put right was wrong all along, so it counts for every day as it now stands and its old one is nothing
that was lost; who is champion by it counts as made one then. What has no history is taken as it stands (docs/import.md,
"Time travel").
"""

# Both are looked up person by person, through the index: read as a whole, a tenant's changes of years are gone through
# for each block of accounts, and for each person of it while the planner's statistics know nothing of them. Aggregates,
# so that no order by time tempts it to another index.

# the role of that day: what the first import from then on replaced; of the contact `c`
JOIN = """LEFT JOIN LATERAL (
    SELECT (array_agg(k.old ORDER BY k.changed_at, k.id))[1] AS role
    FROM accounts_contactchange k
    WHERE k.tenant_id = %(tenant)s AND k.contact_id = c.id AND k.field = 'role' AND k.changed_at >= %(start)s
) role_then ON true"""
ROLE = "coalesce(role_then.role, c.role)"

# when `c` was champion no more, was made champion, and had another title, at last, as an import told before the day
MOVED = """LEFT JOIN LATERAL (
    SELECT max(k.changed_at) FILTER (WHERE k.field = 'role' AND k.old = 'champion') AS ceased_at,
           max(k.changed_at) FILTER (WHERE k.field = 'role' AND k.new = 'champion') AS named_at,
           max(k.changed_at) FILTER (WHERE k.field = 'title') AS titled_at
    FROM accounts_contactchange k
    WHERE k.tenant_id = %(tenant)s AND k.contact_id = c.id AND k.changed_at < %(start)s
) moved ON true"""

# when somebody put right that a contact is champion, at last before the day; what a correction replaced was never so
# and is no loss; for WITH
NAMED = """named AS MATERIALIZED (
    SELECT row_id AS contact_id, max(created_at) AS named_at
    FROM scoring_sourcecorrection
    WHERE tenant_id = %(tenant)s AND source = 'contact' AND field = 'role' AND new = 'champion'
      AND created_at < %(start)s
    GROUP BY row_id
)"""
