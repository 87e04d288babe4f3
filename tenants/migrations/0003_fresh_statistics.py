"""After a bulk write the planner must know the new sizes; the app role may not ANALYZE tables it does not own."""

from django.db import migrations

REFRESH = """
CREATE FUNCTION refresh_statistics(tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname = ANY(tables)
         ORDER BY c.relname  -- always in this order, so that two of us never wait for each other
    LOOP
        EXECUTE format('ANALYZE public.%I', name);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION refresh_statistics(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_statistics(text[]) TO holdfast_app, holdfast_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_boundary")]

    operations = [migrations.RunSQL(REFRESH, reverse_sql="DROP FUNCTION refresh_statistics(text[])")]
