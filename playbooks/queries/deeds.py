"""What was suggested and done on some accounts, for the post-mortem of those that left (scoring.outcomes)."""

from collections.abc import Sequence

from django.db import connection

from scoring.outcomes.work import Deed
from tenants.models import Tenant

# a play that was taken back before it started was none
_DEEDS = """
SELECT p.account_id, 'play' AS kind, b.name, p.state, p.starts_at AS at, p.closed_at AS ended_at, p.outcome,
       coalesce(r.decided_by_label, '') AS by_label
  FROM playbooks_play p JOIN playbooks_playbook b ON b.tenant_id = p.tenant_id AND b.id = p.playbook_id
  LEFT JOIN playbooks_recommendation r ON r.tenant_id = p.tenant_id AND r.id = p.recommendation_id
 WHERE p.tenant_id = %(tenant)s AND p.account_id = ANY(%(accounts)s) AND p.outcome <> 'undone'
UNION ALL
SELECT r.account_id, 'suggestion', b.name, r.state, r.created_at, r.decided_at, r.reason, r.decided_by_label
  FROM playbooks_recommendation r JOIN playbooks_playbook b ON b.tenant_id = r.tenant_id AND b.id = r.playbook_id
 WHERE r.tenant_id = %(tenant)s AND r.account_id = ANY(%(accounts)s)
 ORDER BY at, kind
"""


def deeds(tenant: Tenant, account_ids: Sequence[int]) -> list[Deed]:
    """Plays and suggestions of these accounts, oldest first; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_DEEDS, {"tenant": tenant.pk, "accounts": list(account_ids)})
        return [Deed(*row) for row in cursor.fetchall()]
