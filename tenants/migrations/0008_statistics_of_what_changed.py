"""ANALYZE only what has changed by a tenth, and no JSON or array column: no plan depends on those, and sampling them
took longer than writing a day's scores."""

from django.db import migrations

REFRESH = """
CREATE OR REPLACE FUNCTION refresh_statistics(tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    wanted record;
    leaf record;
    columns text;
    is_stale boolean;
BEGIN
    FOR wanted IN
        SELECT c.oid, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname = ANY(tables)
         ORDER BY c.relname  -- always in this order, so that two of us never wait for each other
    LOOP
        SELECT string_agg(quote_ident(a.attname), ', ') INTO columns
          FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
         WHERE a.attrelid = wanted.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND t.typcategory <> 'A' AND t.typname NOT IN ('json', 'jsonb');
        is_stale := false;
        FOR leaf IN
            SELECT c.oid, c.relname FROM pg_partition_tree(wanted.oid) p JOIN pg_class c ON c.oid = p.relid
             WHERE p.isleaf AND pg_stat_get_mod_since_analyze(c.oid) > greatest(c.reltuples * 0.1, 500)
             ORDER BY c.relname
        LOOP
            is_stale := true;
            EXECUTE format('ANALYZE public.%I (%s)', leaf.relname, columns);
        END LOOP;
        IF is_stale AND wanted.relkind = 'p' THEN
            EXECUTE format('ANALYZE ONLY public.%I (%s)', wanted.relname, columns);
        END IF;
    END LOOP;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION refresh_statistics(tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname = ANY(tables)
         ORDER BY c.relname
    LOOP
        EXECUTE format('ANALYZE public.%I', name);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_second_factor_roles")]

    operations = [migrations.RunSQL(REFRESH, reverse_sql=BEFORE)]
