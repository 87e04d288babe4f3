"""A hundred tenants with as many accounts as asked for: seeds through the product, multiplied by SQL as the superuser.

`python -m scripts.bench.crowd` makes the tenants, with the product's own services; `grow` adds accounts to all.
"""

from typing import Any

import psycopg

from scripts.bench.installation import Installation

TENANTS = 100
CSMS = 20
PASSWORD = "bench-password-1"  # noqa: S105  of an installation that lives for a quarter of an hour
# every statement takes the accounts with numbers from `first` to `last` of each tenant
PEOPLE = """
INSERT INTO tenants_user (password, is_superuser, email, name, is_staff, is_active, date_joined)
SELECT %(password)s, false, format('csm%%s@%%s.example', n, t.slug), format('CSM %%s', n), false, true, now()
  FROM tenants_tenant t, generate_series(0, %(csms)s - 1) n WHERE t.slug LIKE 'crowd-%%';
"""
MEMBERSHIPS = """
INSERT INTO tenants_membership (tenant_id, user_id, role, team_id, regions, segments, products, programmes, is_active,
                                created_at)
SELECT t.id, u.id, 'csm', team.id, '[]', '[]', '[]', '[]', true, now()
  FROM tenants_tenant t JOIN tenants_team team ON team.tenant_id = t.id AND team.is_default
  JOIN tenants_user u ON u.email LIKE 'csm%%@' || t.slug || '.example' WHERE t.slug LIKE 'crowd-%%'
"""
SEEDS = """
CREATE TABLE bare_seed AS
SELECT row_number() OVER (ORDER BY a.id) - 1 AS place, a.name, a.industry, a.country, a.region, a.plan, a.segment, h.*
  FROM accounts_account a JOIN scoring_accounthealth h ON h.account_id = a.id
  JOIN tenants_tenant t ON t.id = a.tenant_id WHERE t.slug = 'bench'
"""
ACCOUNTS = """
INSERT INTO accounts_account (external_id, name, domain, industry, country, region, plan, segment, owner_email,
                              ae_email, customer_since, parent_external_id, attributes, source, recorded_at,
                              version, owner_id, team_id, tenant_id)
SELECT format('crowd-%%s', n), format('%%s %%s', s.name, n), '', s.industry, s.country, s.region, s.plan, s.segment,
       u.email, '', date '2024-01-01', '', '{}', 'bench', now(), 1, u.id, m.team_id, t.id
  FROM tenants_tenant t
 CROSS JOIN generate_series(%(first)s::bigint, %(last)s::bigint) n
  JOIN bare_seed s ON s.place = n %% %(seeds)s
  JOIN tenants_user u ON u.email = format('csm%%s@%%s.example', n %% %(csms)s, t.slug)
  JOIN tenants_membership m ON m.tenant_id = t.id AND m.user_id = u.id
 WHERE t.slug LIKE 'crowd-%%'
"""
NEW = """
CREATE TEMPORARY TABLE new_account AS
SELECT a.id, a.tenant_id, a.owner_id, a.team_id, substr(a.external_id, 7)::bigint AS n
  FROM accounts_account a JOIN tenants_tenant t ON t.id = a.tenant_id
 WHERE t.slug LIKE 'crowd-%' AND NOT EXISTS (SELECT 1 FROM scoring_accounthealth h
                                              WHERE h.tenant_id = a.tenant_id AND h.account_id = a.id)
"""
HEALTH = """
INSERT INTO scoring_accounthealth (as_of, health, band, coverage_pct, delta_30, spark, reasons, dimensions, arr,
    currency, arr_reporting, priority, renewal_date, run_id, policy_version, override_band, updated_at, account_id,
    tenant_id)
SELECT s.as_of, s.health, s.band, s.coverage_pct, s.delta_30, s.spark, s.reasons, s.dimensions, s.arr, s.currency,
       s.arr_reporting, s.priority + n.n * 0.001, s.renewal_date, s.run_id, s.policy_version, '', now(), n.id,
       n.tenant_id
  FROM new_account n JOIN bare_seed s ON s.place = n.n %% %(seeds)s
"""
PERMISSION = """(SELECT p.id FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
                 WHERE c.app_label = 'accounts' AND p.codename = 'see_account')"""
USER_GRANTS = f"""
INSERT INTO accounts_accountuserperm (content_object_id, permission_id, tenant_id, user_id)
SELECT id, {PERMISSION}, tenant_id, owner_id FROM new_account
"""  # noqa: S608
GROUP_GRANTS = f"""
INSERT INTO accounts_accountgroupperm (content_object_id, permission_id, tenant_id, group_id)
SELECT n.id, {PERMISSION}, n.tenant_id, t.managers_id FROM new_account n JOIN tenants_team t ON t.id = n.team_id
"""  # noqa: S608
SUGGESTIONS = """
INSERT INTO playbooks_recommendation (state, cause, event_key, reason, comment, decided_by_label, created_at, version,
                                      account_id, playbook_id, tenant_id)
SELECT 'suggested', '[]', jsonb_build_array(0, 0, n.id), '', '', '', now(), 1, n.id,
       (SELECT min(p.id) FROM playbooks_playbook p WHERE p.tenant_id = n.tenant_id), n.tenant_id
  FROM new_account n WHERE n.n % 3 = 0
"""


def make(made: Installation) -> None:
    """A scored seed tenant of 200 accounts, the empty tenants, and their people (no accounts yet)."""
    bundle = made.var / "seed"
    made.manage("simulate_bundle", str(bundle), "--accounts", "200", "--days", "120", "--seed", "3")
    made.manage("create_tenant", "--organization", "Bench", "--slug", "bench")
    made.manage("import_bundle", str(bundle), "--tenant", "bench")
    made.manage("score", "--tenant", "bench")
    made.manage("bench_crowd", "--tenants", str(TENANTS))
    with made.superuser() as connection:
        password = _hash(connection)
        connection.execute(PEOPLE, {"password": password, "csms": CSMS})
        connection.execute(MEMBERSHIPS, {})
        connection.execute(SEEDS)


def _hash(connection: "psycopg.Connection[Any]") -> str:
    found = connection.execute(
        "SELECT password FROM tenants_user WHERE email = 'ops@crowd-0.example'"
    ).fetchone()
    assert found, "the first tenant's admin has a password"
    return str(found[0])


def grow(made: Installation, *, first: int, last: int) -> None:
    """Accounts number `first` to `last` in each tenant, scored, owned, granted, every third with a suggestion."""
    with made.superuser() as connection:
        found = connection.execute("SELECT count(*) FROM bare_seed").fetchone()
        values = {"first": first, "last": last, "csms": CSMS, "seeds": found[0] if found else 1}
        connection.execute(ACCOUNTS, values)
        connection.execute(NEW)
        connection.execute("ANALYZE new_account")
        connection.execute(HEALTH, values)
        for statement in (USER_GRANTS, GROUP_GRANTS, SUGGESTIONS, "DROP TABLE new_account", "ANALYZE"):
            connection.execute(statement)  # type: ignore[arg-type]
        connection.execute("CHECKPOINT")
