"""Owners, teams and guardian's grants follow the facts: e-mail of the CSM, shares, memberships (PLATFORM 4).

Every step is one statement over all accounts asked for. Who calls it: the import, a changed membership, a share.
"""
# ruff: noqa: S608  the statements are put together from constants of this file; values are always parameters

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from tenants.models import Membership, Tenant

# One writer of grants a tenant at a time: two would each delete what the other is about to need.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('accounts.grants'), %(tenant)s::int)"

_PEOPLE = """
    SELECT u.id AS user_id, u.email, m.team_id
      FROM tenants_membership m JOIN tenants_user u ON u.id = m.user_id
     WHERE m.tenant_id = %(tenant)s AND m.is_active AND u.is_active
"""

# Without an owner the account stays with its team and stands in the team's pooled queue.
_RESOLVED = f"""
    SELECT a.id, p.user_id AS owner_id,
           coalesce(p.team_id, a.team_id,
                    (SELECT id FROM tenants_team WHERE tenant_id = %(tenant)s AND is_default)) AS team_id
      FROM accounts_account a LEFT JOIN ({_PEOPLE}) p ON p.email = lower(a.owner_email)
     WHERE a.tenant_id = %(tenant)s AND (%(ids)s::bigint[] IS NULL OR a.id = ANY(%(ids)s::bigint[]))
"""

# An account that had a team before was moved, and that goes on record; one just imported was not.
_RESOLVE = f"""
    WITH resolved AS (
        UPDATE accounts_account a SET owner_id = r.owner_id, team_id = r.team_id
          FROM ({_RESOLVED}) r
         WHERE a.tenant_id = %(tenant)s AND a.id = r.id
           AND (a.owner_id IS DISTINCT FROM r.owner_id OR a.team_id IS DISTINCT FROM r.team_id)
        RETURNING a.id, a.name, a.owner_email, old.owner_id AS old_owner, new.owner_id AS new_owner,
                  old.team_id AS old_team, new.team_id AS new_team
    ), told AS (
        INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, object_type, object_id,
                                 object_label, account_id, decision_ref, diff, request_id)
        SELECT %(tenant)s, 'accounts.account_moved', 'system', 'system', 'Holdfast', 'accounts.account', id::text,
               left(name, 300), id, '',
               jsonb_build_object(
                   'before', jsonb_build_object('owner_id', old_owner, 'team_id', old_team),
                   'after', jsonb_build_object('owner_id', new_owner, 'team_id', new_team,
                                               'owner_email', owner_email)), ''
          FROM resolved WHERE old_team IS NOT NULL
    )
    SELECT count(*) FROM resolved
"""

_PERMISSION = """
    (SELECT p.id FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
      WHERE c.app_label = 'accounts' AND c.model = 'account' AND p.codename = 'see_account')
"""

_ACCOUNTS = """
    SELECT a.id, a.owner_id, a.team_id FROM accounts_account a
     WHERE a.tenant_id = %(tenant)s AND (%(ids)s::bigint[] IS NULL OR a.id = ANY(%(ids)s::bigint[]))
"""


@dataclass(frozen=True)
class _Table:
    """One of guardian's two tables: whom a row grants to, and the rows that the facts ask for."""

    name: str
    grantee: str
    wanted: str

    @property
    def present(self) -> str:
        return f"""
            SELECT g.content_object_id AS account_id, g.{self.grantee} AS grantee FROM {self.name} g
             WHERE g.tenant_id = %(tenant)s AND g.permission_id = {_PERMISSION}
               AND (%(ids)s::bigint[] IS NULL OR g.content_object_id = ANY(%(ids)s::bigint[]))
        """


_TABLES = (
    _Table(
        "accounts_accountuserperm",
        "user_id",
        f"""
        SELECT a.id AS account_id, a.owner_id AS grantee FROM ({_ACCOUNTS}) a WHERE a.owner_id IS NOT NULL
        UNION
        SELECT a.id, s.user_id FROM ({_ACCOUNTS}) a
          JOIN accounts_accountshare s ON s.tenant_id = %(tenant)s AND s.account_id = a.id
          JOIN ({_PEOPLE}) p ON p.user_id = s.user_id
        """,
    ),
    _Table(
        "accounts_accountgroupperm",
        "group_id",
        f"""
        SELECT a.id AS account_id, t.managers_id AS grantee FROM ({_ACCOUNTS}) a
          JOIN tenants_team t ON t.tenant_id = %(tenant)s AND t.id = a.team_id
        UNION
        SELECT a.id, t.members_id FROM ({_ACCOUNTS}) a
          JOIN tenants_team t ON t.tenant_id = %(tenant)s AND t.id = a.team_id
         WHERE a.owner_id IS NULL
        """,
    ),
)


@transaction.atomic
def sync(tenant: Tenant, *, account_ids: list[int] | None = None) -> dict[str, int]:
    """Resolve owner and team of these accounts (None: all) and make their grants what the facts ask for."""
    values: dict[str, Any] = {"tenant": tenant.pk, "ids": account_ids}
    changed = {"resolved": 0, "granted": 0, "revoked": 0}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, values)
        cursor.execute(_RESOLVE, values)
        changed["resolved"] = cursor.fetchone()[0]
        for table in _TABLES:
            cursor.execute(_revoke(table), values)
            changed["revoked"] += cursor.rowcount
            cursor.execute(_grant(table), values)
            changed["granted"] += cursor.rowcount
    return changed


def _revoke(table: _Table) -> str:
    return f"""
        DELETE FROM {table.name} g
         WHERE g.tenant_id = %(tenant)s AND g.permission_id = {_PERMISSION}
           AND (%(ids)s::bigint[] IS NULL OR g.content_object_id = ANY(%(ids)s::bigint[]))
           AND NOT EXISTS (SELECT 1 FROM ({table.wanted}) w
                            WHERE w.account_id = g.content_object_id AND w.grantee = g.{table.grantee})
    """


def _grant(table: _Table) -> str:
    return f"""
        INSERT INTO {table.name} (tenant_id, permission_id, content_object_id, {table.grantee})
        SELECT %(tenant)s, {_PERMISSION}, w.account_id, w.grantee FROM ({table.wanted}) w
        ON CONFLICT DO NOTHING
    """


def sync_person(membership: Membership) -> dict[str, int]:
    """After a membership was made or changed: the accounts that name, belong to or are shared with the person."""
    values: dict[str, Any] = {
        "tenant": membership.tenant_id, "user": membership.user_id, "email": membership.user.email
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM accounts_account
             WHERE tenant_id = %(tenant)s AND (lower(owner_email) = %(email)s OR owner_id = %(user)s)
            UNION
            SELECT account_id FROM accounts_accountshare WHERE tenant_id = %(tenant)s AND user_id = %(user)s
            """,
            values,
        )
        ids = [row[0] for row in cursor.fetchall()]
    return sync(membership.tenant, account_ids=ids) if ids else {"resolved": 0, "granted": 0, "revoked": 0}


def drift(tenant: Tenant) -> dict[str, int]:
    """How far owners and grants are from the facts: accounts with another owner or team, grants missing, grants extra.

    All zero unless something wrote around this module.
    """
    values: dict[str, Any] = {"tenant": tenant.pk, "ids": None}
    found = {"unresolved": 0, "missing": 0, "extra": 0}
    with connection.cursor() as cursor:
        found["unresolved"] = _count(
            cursor,
            f"SELECT a.id FROM accounts_account a JOIN ({_RESOLVED}) r ON r.id = a.id WHERE a.tenant_id = %(tenant)s"
            " AND (a.owner_id IS DISTINCT FROM r.owner_id OR a.team_id IS DISTINCT FROM r.team_id)",
            values,
        )
        for table in _TABLES:
            wanted, present = f"SELECT * FROM ({table.wanted}) w", table.present
            found["missing"] += _count(cursor, f"{wanted} EXCEPT {present}", values)
            found["extra"] += _count(cursor, f"{present} EXCEPT {wanted}", values)
    return found


def _count(cursor: Any, rows: str, values: dict[str, Any]) -> int:
    cursor.execute(f"SELECT count(*) FROM ({rows}) counted", values)
    return int(cursor.fetchone()[0])
