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

# The statements look each account up by key instead of joining sets: right after a first import the planner has no
# statistics yet, takes 10,000 accounts for one, and a join of two sets ran into the statement timeout.
_MEMBER = """
    SELECT {what} FROM tenants_user u JOIN tenants_membership m ON m.user_id = u.id
     WHERE m.tenant_id = %(tenant)s AND m.is_active AND u.is_active AND {who}
"""
_OWNER = f"({_MEMBER.format(what='u.id', who='u.email = lower(a.owner_email)')})"
# Without an owner the account stays with its team and stands in the team's pooled queue.
_TEAM = f"""
    coalesce(({_MEMBER.format(what="m.team_id", who="u.email = lower(a.owner_email)")}), a.team_id,
             (SELECT id FROM tenants_team WHERE tenant_id = %(tenant)s AND is_default))
"""
_ASKED = "a.tenant_id = %(tenant)s AND (%(ids)s::bigint[] IS NULL OR a.id = ANY(%(ids)s::bigint[]))"
_UNRESOLVED = f"{_ASKED} AND (a.owner_id IS DISTINCT FROM {_OWNER} OR a.team_id IS DISTINCT FROM {_TEAM})"

# An account that had a team before was moved, and that goes on record; one just imported was not.
_RESOLVE = f"""
    WITH resolved AS (
        UPDATE accounts_account a SET owner_id = {_OWNER}, team_id = {_TEAM} WHERE {_UNRESOLVED}
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


@dataclass(frozen=True)
class _Grant:
    """One reason why somebody sees an account: whom a fact names, and whether a grant has the fact behind it."""

    rows: str  # FROM … WHERE …, with `a` the account
    grantee: str

    def wanted(self) -> str:
        return f"SELECT a.id AS account_id, {self.grantee} AS grantee FROM {self.rows}"

    def backs(self, column: str) -> str:
        return f"EXISTS (SELECT 1 FROM {self.rows} AND a.id = g.content_object_id AND {self.grantee} = g.{column})"


@dataclass(frozen=True)
class _Table:
    """One of guardian's two tables, with the reasons for which it holds rows."""

    name: str
    column: str
    reasons: tuple[_Grant, ...]

    def extra(self) -> str:
        """Grants with no fact behind them."""
        backed = " OR ".join(reason.backs(self.column) for reason in self.reasons)
        return f"""
            {self.name} g WHERE g.tenant_id = %(tenant)s AND g.permission_id = {_PERMISSION}
               AND (%(ids)s::bigint[] IS NULL OR g.content_object_id = ANY(%(ids)s::bigint[])) AND NOT ({backed})
        """

    def missing(self) -> str:
        """(account_id, grantee) for which a fact asks and no grant is there."""
        wanted = " UNION ".join(reason.wanted() for reason in self.reasons)
        return f"""
            SELECT w.account_id, w.grantee FROM ({wanted}) w
             WHERE NOT EXISTS (SELECT 1 FROM {self.name} g
                                WHERE g.tenant_id = %(tenant)s AND g.permission_id = {_PERMISSION}
                                  AND g.content_object_id = w.account_id AND g.{self.column} = w.grantee)
        """


_OF_TEAM = (
    f"accounts_account a JOIN tenants_team t ON t.tenant_id = %(tenant)s AND t.id = a.team_id WHERE {_ASKED}"
)
_OF_SHARE = f"""
    accounts_account a JOIN accounts_accountshare s ON s.tenant_id = %(tenant)s AND s.account_id = a.id
     WHERE {_ASKED} AND EXISTS ({_MEMBER.format(what="1", who="u.id = s.user_id")})
"""
_TABLES = (
    _Table(
        "accounts_accountuserperm",
        "user_id",
        (
            _Grant(f"accounts_account a WHERE {_ASKED} AND a.owner_id IS NOT NULL", "a.owner_id"),
            _Grant(_OF_SHARE, "s.user_id"),
        ),
    ),
    _Table(
        "accounts_accountgroupperm",
        "group_id",
        (_Grant(_OF_TEAM, "t.managers_id"), _Grant(f"{_OF_TEAM} AND a.owner_id IS NULL", "t.members_id")),
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
            cursor.execute(f"DELETE FROM {table.extra()}", values)
            changed["revoked"] += cursor.rowcount
            cursor.execute(
                f"INSERT INTO {table.name} (tenant_id, permission_id, content_object_id, {table.column})"
                f" SELECT %(tenant)s, {_PERMISSION}, missing.* FROM ({table.missing()}) missing",
                values,
            )
            changed["granted"] += cursor.rowcount
    return changed


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
        found["unresolved"] = _count(cursor, f"SELECT 1 FROM accounts_account a WHERE {_UNRESOLVED}", values)
        for table in _TABLES:
            found["missing"] += _count(cursor, table.missing(), values)
            found["extra"] += _count(cursor, f"SELECT 1 FROM {table.extra()}", values)
    return found


def _count(cursor: Any, rows: str, values: dict[str, Any]) -> int:
    cursor.execute(f"SELECT count(*) FROM ({rows}) counted", values)
    return int(cursor.fetchone()[0])
