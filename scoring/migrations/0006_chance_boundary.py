"""Chances of leaving beside health: rows of their own tenant, snapshots never rewritten."""

from django.db import migrations

from tenants.migration_ops import MonthlyPartitions, SecureTables

COLUMNS = """
ALTER TABLE scoring_health_snapshot
    ADD COLUMN p30 numeric(7, 6), ADD COLUMN p60 numeric(7, 6), ADD COLUMN p90 numeric(7, 6),
    ADD COLUMN p90_low numeric(7, 6), ADD COLUMN p90_high numeric(7, 6), ADD COLUMN p_renew numeric(7, 6),
    ADD COLUMN leaves float8[], ADD COLUMN risk_level text NOT NULL DEFAULT '', ADD COLUMN model_id bigint,
    ADD COLUMN model_version text NOT NULL DEFAULT '', ADD COLUMN logit_base float8, ADD COLUMN logit_parts float8[];
ALTER TABLE scoring_health_snapshot ADD CONSTRAINT snapshot_chances_in_order CHECK (
    CASE WHEN p90 IS NULL THEN num_nonnulls(p30, p60, p90_low, p90_high, model_id) = 0 AND risk_level = ''
         ELSE p30 >= 0 AND p30 <= p60 AND p60 <= p90 AND p90 <= 1 AND p90_low <= p90 AND p90 <= p90_high
              AND num_nulls(p30, p60, p90_low, p90_high, model_id, logit_base, logit_parts) = 0 END) NOT VALID;
"""
COLUMNS_BACK = """
ALTER TABLE scoring_health_snapshot DROP CONSTRAINT snapshot_chances_in_order;
ALTER TABLE scoring_health_snapshot
    DROP COLUMN p30, DROP COLUMN p60, DROP COLUMN p90, DROP COLUMN p90_low, DROP COLUMN p90_high, DROP COLUMN p_renew,
    DROP COLUMN leaves, DROP COLUMN risk_level, DROP COLUMN model_id, DROP COLUMN model_version,
    DROP COLUMN logit_base, DROP COLUMN logit_parts;
"""
SHADOWS = """
CREATE TABLE scoring_shadow_score (
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    as_of date NOT NULL,
    run_id bigint NOT NULL,
    model_id bigint NOT NULL,
    p30 numeric(7, 6) NOT NULL,
    p60 numeric(7, 6) NOT NULL,
    p90 numeric(7, 6) NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id, as_of, run_id, model_id),
    CHECK (p30 >= 0 AND p30 <= p60 AND p60 <= p90 AND p90 <= 1)
) PARTITION BY RANGE (as_of);
CREATE INDEX shadow_score_day ON scoring_shadow_score (tenant_id, model_id, as_of);
CREATE TRIGGER no_rewrite BEFORE UPDATE OR DELETE ON scoring_shadow_score
    FOR EACH ROW EXECUTE FUNCTION forbid_rewrite();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON scoring_shadow_score
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewrite();
"""
APPEND_ONLY = "UPDATE tenants_partitioned_table SET append_only = true WHERE name = 'scoring_shadow_score'"


class Migration(migrations.Migration):
    dependencies = [("scoring", "0005_chances"), ("accounts", "0002_boundary")]

    operations = [
        SecureTables(["ChurnModel"]),
        migrations.RunSQL(COLUMNS, reverse_sql=COLUMNS_BACK),
        MonthlyPartitions("scoring_shadow_score", create=SHADOWS, append_only=True),
        migrations.RunSQL(APPEND_ONLY, reverse_sql=migrations.RunSQL.noop),
    ]
