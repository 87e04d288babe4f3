"""Roles of people as a day knew them, and what changed about them: imports keep what they found changed, dated by when
Holdfast learnt of it, and people put roles right.

A role that was put right was wrong all along, so it counts for every day as it now stands and its old one is nothing
that was lost; who is champion by it counts as made one then. What has no history is taken as it stands (docs/import.md,
"Time travel").
"""

# the role of that day: what the first import from then on replaced; for WITH, and joined by JOIN
THEN = """role_then AS MATERIALIZED (
    SELECT DISTINCT ON (contact_id) contact_id, old AS role
    FROM accounts_contactchange
    WHERE tenant_id = %(tenant)s AND field = 'role' AND changed_at >= %(start)s
    ORDER BY contact_id, changed_at, id
)"""
JOIN = "LEFT JOIN role_then ON role_then.contact_id = c.id"
ROLE = "coalesce(role_then.role, c.role)"

# when a person was champion no more, was made champion, and had another title, at last, as known before the day; what
# a correction replaced was never so: without an old role it ends nothing
MOVED = """moved AS MATERIALIZED (
    SELECT contact_id,
           max(at) FILTER (WHERE field = 'role' AND old = 'champion') AS ceased_at,
           max(at) FILTER (WHERE field = 'role' AND new = 'champion') AS named_at,
           max(at) FILTER (WHERE field = 'title') AS titled_at
    FROM (
        SELECT contact_id, field, old, new, changed_at AS at
        FROM accounts_contactchange WHERE tenant_id = %(tenant)s
        UNION ALL
        SELECT row_id, field, '', new, created_at
        FROM scoring_sourcecorrection WHERE tenant_id = %(tenant)s AND source = 'contact' AND field = 'role'
    ) changes
    WHERE at < %(start)s
    GROUP BY contact_id
)"""
