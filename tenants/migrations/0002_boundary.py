"""The tenant boundary in the database: policies, keys, monthly partitions; and the shared cache's table."""

from django.db import migrations

from tenants.migration_ops import SecureTables, composite_key_sql

CACHE = """
CREATE TABLE django_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX django_cache_expires ON django_cache (expires);
"""

PARTITIONS = """
CREATE TABLE tenants_partitioned_table (
    name text PRIMARY KEY,
    append_only boolean NOT NULL DEFAULT false
);
REVOKE INSERT, UPDATE, DELETE ON tenants_partitioned_table FROM holdfast_app, holdfast_worker;

CREATE FUNCTION forbid_rewrite() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- The app role may not create tables. This makes one month's partition of a table that is listed, and nothing else.
CREATE FUNCTION ensure_partition(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    first_day date := date_trunc('month', month)::date;
    child text := parent || '_' || to_char(first_day, 'YYYYMM');
    is_append_only boolean;
BEGIN
    SELECT append_only INTO is_append_only FROM public.tenants_partitioned_table WHERE name = parent;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not partitioned by month', parent;
    END IF;
    IF first_day < date '1990-01-01' OR first_day > date '2100-01-01' THEN
        RAISE EXCEPTION 'no partition for %: a month from 1990 to 2100 is needed', month;
    END IF;
    IF to_regclass('public.' || quote_ident(child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ensure_partition'), hashtext(child));
    IF to_regclass('public.' || quote_ident(child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', child);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', child);
    EXECUTE format(
        'CREATE POLICY tenant_isolation ON public.%I USING (tenant_id = current_setting(''app.tenant_id'')::bigint) '
        'WITH CHECK (tenant_id = current_setting(''app.tenant_id'')::bigint)', child);
    EXECUTE format('CREATE POLICY backup_reads ON public.%I FOR SELECT TO holdfast_backup USING (true)', child);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, holdfast_app, holdfast_worker', child);
    IF is_append_only THEN
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION public.forbid_rewrite()', child);
    END IF;
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, first_day, (first_day + interval '1 month')::date);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION ensure_partition(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partition(text, date) TO holdfast_app, holdfast_worker;
"""

DROP_PARTITIONS = """
DROP FUNCTION ensure_partition(text, date);
DROP FUNCTION forbid_rewrite();
DROP TABLE tenants_partitioned_table;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(CACHE, reverse_sql="DROP TABLE django_cache"),
        migrations.RunSQL(PARTITIONS, reverse_sql=DROP_PARTITIONS),
        SecureTables(["Team"]),
        migrations.RunSQL(
            [
                "SELECT set_config('app.tenant_id', '0', true)",
                *composite_key_sql("tenants_membership", "team_id", "tenants_team"),
            ],
            reverse_sql=[
                'ALTER TABLE tenants_membership DROP CONSTRAINT "tenants_membership_team_id_fk"',
                'DROP INDEX "tenants_membership_team_id_ix"',
            ],
        ),
    ]
