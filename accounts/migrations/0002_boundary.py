"""Policies and keys of the evidence tables, usage partitioned by month, and the audited search function."""

from django.db import migrations

from tenants.migration_ops import MonthlyPartitions, SecureTables

USAGE_DAY = """
CREATE TABLE accounts_usage_day (
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    day date NOT NULL,
    active_users float8, logins float8, sessions float8, core_events float8,
    features_used float8, api_calls float8, errors float8, data_gb float8,
    extra jsonb NOT NULL DEFAULT '{}',
    source text NOT NULL DEFAULT 'import',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id, day)
) PARTITION BY RANGE (day);
"""

USAGE_DETAIL = """
CREATE TABLE accounts_usage_detail (
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    day date NOT NULL,
    contact_external_id text NOT NULL DEFAULT '',
    product text NOT NULL DEFAULT '',
    feature text NOT NULL DEFAULT '',
    count float8 NOT NULL,
    source text NOT NULL DEFAULT 'import',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id, day, contact_external_id, product, feature)
) PARTITION BY RANGE (day);
"""

# Text operators are not leakproof, so behind a policy they cannot use an index (PLATFORM 3: 400 times slower).
# This function runs as a role whose policy lets it read, names the tenant itself, and returns ids alone.
SEARCH = """
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX account_name_trgm ON accounts_account USING gin (tenant_id, name gin_trgm_ops);
CREATE INDEX account_domain_trgm ON accounts_account USING gin (tenant_id, domain gin_trgm_ops);
CREATE INDEX contact_name_trgm ON accounts_contact USING gin (tenant_id, name gin_trgm_ops);
CREATE FUNCTION search_accounts(words text, at_most integer) RETURNS TABLE (account_id bigint, found_in text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH pattern AS (
        SELECT current_setting('app.tenant_id')::bigint AS tenant,
               '%' || replace(replace(replace(words, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%' AS like_it
    ), hits AS (
        (SELECT a.id, 'account' AS found_in FROM accounts_account a, pattern p
          WHERE a.tenant_id = p.tenant AND a.name ILIKE p.like_it ORDER BY a.name, a.id LIMIT at_most)
        UNION ALL
        (SELECT a.id, 'domain' FROM accounts_account a, pattern p
          WHERE a.tenant_id = p.tenant AND a.domain ILIKE p.like_it ORDER BY a.name, a.id LIMIT at_most)
        UNION ALL
        (SELECT c.account_id, 'contact' FROM accounts_contact c, pattern p
          WHERE c.tenant_id = p.tenant AND c.name ILIKE p.like_it ORDER BY c.name, c.id LIMIT at_most)
    )
    SELECT id, min(found_in) FROM hits GROUP BY id
$$;
REVOKE ALL ON FUNCTION search_accounts(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_accounts(text, integer) TO holdfast_app, holdfast_worker;
-- last: afterwards only its new owner may grant
ALTER FUNCTION search_accounts(text, integer) OWNER TO holdfast_search;
"""
DROP_SEARCH = """
DROP FUNCTION search_accounts(text, integer);
DROP INDEX account_name_trgm, account_domain_trgm, contact_name_trgm;
"""

TABLES = [
    "Account", "AccountUserPerm", "AccountGroupPerm", "AccountShare", "Note", "Product", "Article", "Contact",
    "Subscription", "Ticket", "Invoice", "Survey", "Activity", "Objective", "Milestone", "CompanyEvent",
    "Opportunity", "OpportunityChange", "Outcome", "FxRate",
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("tenants", "0002_boundary")]

    operations = [
        SecureTables(TABLES, search_sees_all=["Account", "Contact"]),
        MonthlyPartitions("accounts_usage_day", create=USAGE_DAY),
        MonthlyPartitions("accounts_usage_detail", create=USAGE_DETAIL),
        migrations.RunSQL(SEARCH, reverse_sql=DROP_SEARCH),
    ]
