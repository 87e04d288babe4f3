"""What may be forgotten, by functions with narrow bounds: no role may drop a table or delete a row of a log by itself.

Dropping a month of events leaves its seals, a line for each of them, and an event that vouches for those lines.
"""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import IS_OURS, SecureTables

# An event of a month that has no table lands here instead of being lost, and an alarm goes off.
DEFAULT = f"""
CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;
ALTER TABLE audit_event_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event_default FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON audit_event_default USING ({IS_OURS}) WITH CHECK ({IS_OURS});
CREATE POLICY backup_reads ON audit_event_default FOR SELECT TO holdfast_backup USING (true);
REVOKE ALL ON audit_event_default FROM PUBLIC, holdfast_app, holdfast_worker;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewrite();
"""

# Bounds: listed tables, months that ended more than a year ago, and of the event log only months that every tenant
# has accounted for to the row. The owner is under the policies too, so it looks tenant by tenant.
DROP_PARTITION = """
CREATE FUNCTION drop_partition(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '2s' AS $$
DECLARE
    first_day date := date_trunc('month', month)::date;
    child text := parent || '_' || to_char(first_day, 'YYYYMM');
    before text := current_setting('app.tenant_id', true);
    tenant bigint;
    held bigint;
    accounted bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.tenants_partitioned_table WHERE name = parent) THEN
        RAISE EXCEPTION '% is not partitioned by month', parent;
    END IF;
    IF first_day >= date_trunc('month', now())::date - interval '12 months' THEN
        RAISE EXCEPTION '% is too young to be dropped: months are kept for a year at least', child;
    END IF;
    IF to_regclass('public.' || quote_ident(child)) IS NULL THEN
        RETURN false;
    END IF;
    IF parent = 'audit_event' THEN
        FOR tenant IN SELECT id FROM public.tenants_tenant ORDER BY id LOOP
            PERFORM set_config('app.tenant_id', tenant::text, true);
            EXECUTE format('SELECT count(*) FROM public.%I WHERE tenant_id = $1', child) INTO held USING tenant;
            SELECT coalesce(sum(events), 0) INTO accounted FROM public.audit_retiredevents r
             WHERE r.tenant_id = tenant AND r.month = first_day;
            IF held <> accounted THEN
                RAISE EXCEPTION '%: tenant % holds % events and has accounted for %', child, tenant, held, accounted;
            END IF;
        END LOOP;
        PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
    END IF;
    EXECUTE format('DROP TABLE public.%I', child);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION drop_partition(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_partition(text, date) TO holdfast_worker;
"""

FORGET_ATTEMPTS = """
CREATE FUNCTION forget_attempts(before timestamptz, at_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    gone bigint;
BEGIN
    IF before > now() - interval '90 days' THEN
        RAISE EXCEPTION 'the delivery log is kept for 90 days at least';
    END IF;
    DELETE FROM public.integrations_writeattempt WHERE tenant_id = current_setting('app.tenant_id')::bigint
       AND id IN (SELECT id FROM public.integrations_writeattempt
                   WHERE tenant_id = current_setting('app.tenant_id')::bigint AND started_at < before
                   ORDER BY id LIMIT at_most);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION forget_attempts(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_attempts(timestamptz, integer) TO holdfast_worker;
"""
ONLY_THE_WORKER = "REVOKE INSERT ON audit_retiredevents FROM holdfast_app"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_words_beside_events"),
        ("tenants", "0002_boundary"),
        ("integrations", "0002_boundary"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetiredEvents",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField()),
                ("month", models.DateField()),
                ("events", models.IntegerField()),
                ("leaves", models.JSONField(default=list)),
                ("retired_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "_unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "month", "seq"), name="retired_once_a_seal")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["RetiredEvents"], append_only=["RetiredEvents"]),
        migrations.RunSQL(ONLY_THE_WORKER, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(DEFAULT, reverse_sql="DROP TABLE audit_event_default"),
        migrations.RunSQL(DROP_PARTITION, reverse_sql="DROP FUNCTION drop_partition(text, date)"),
        migrations.RunSQL(FORGET_ATTEMPTS, reverse_sql="DROP FUNCTION forget_attempts(timestamptz, integer)"),
    ]  # fmt: skip
