"""Policies and keys; snapshots partitioned by month of the scored day, append-only."""

from django.db import migrations

from tenants.migration_ops import MonthlyPartitions, SecureTables

SNAPSHOTS = """
CREATE TABLE scoring_health_snapshot (
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    as_of date NOT NULL,
    run_id bigint NOT NULL,
    health numeric(5, 2) CHECK (health BETWEEN 0 AND 100),
    band text NOT NULL CHECK (band IN ('critical', 'at_risk', 'watch', 'healthy', 'unknown')),
    coverage_pct numeric(5, 2) NOT NULL,
    dimensions jsonb NOT NULL,
    indicators jsonb NOT NULL,
    reasons jsonb NOT NULL,
    arr numeric(16, 4),
    currency text NOT NULL DEFAULT '',
    arr_reporting numeric(16, 4),
    priority float8,
    renewal_date date,
    policy_id bigint NOT NULL,
    policy_version text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id, as_of, run_id),
    CHECK ((health IS NULL) = (band = 'unknown'))
) PARTITION BY RANGE (as_of);
CREATE INDEX health_snapshot_day ON scoring_health_snapshot (tenant_id, as_of, run_id);
CREATE TRIGGER no_rewrite BEFORE UPDATE OR DELETE ON scoring_health_snapshot
    FOR EACH ROW EXECUTE FUNCTION forbid_rewrite();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON scoring_health_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewrite();
"""
APPEND_ONLY = "UPDATE tenants_partitioned_table SET append_only = true WHERE name = 'scoring_health_snapshot'"


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial"), ("accounts", "0002_boundary")]

    operations = [
        SecureTables(["HealthPolicy", "PolicyIndicator", "ScoreRun", "AccountHealth", "Override"]),
        MonthlyPartitions("scoring_health_snapshot", create=SNAPSHOTS, append_only=True),
        migrations.RunSQL(APPEND_ONLY, reverse_sql=migrations.RunSQL.noop),
    ]
