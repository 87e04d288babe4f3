"""Snapshots keep each indicator's figures in arrays; the JSON of earlier ones stays as it is (ADR 0013)."""

from django.db import migrations

ARRAYS = """
ALTER TABLE scoring_health_snapshot
    ADD COLUMN layout smallint, ADD COLUMN weights integer[], ADD COLUMN scores integer[], ADD COLUMN points integer[],
    ADD COLUMN lost integer[], ADD COLUMN "values" float8[], ADD COLUMN why smallint[], ADD COLUMN newest_ago integer[],
    ALTER COLUMN dimensions DROP NOT NULL, ALTER COLUMN indicators DROP NOT NULL;
ALTER TABLE scoring_health_snapshot ADD CONSTRAINT snapshot_has_its_breakdown CHECK (
    CASE WHEN layout IS NULL THEN dimensions IS NOT NULL AND indicators IS NOT NULL
         ELSE num_nulls(weights, scores, points, lost, "values", why, newest_ago) = 0 END);
"""
BACK = """
ALTER TABLE scoring_health_snapshot DROP CONSTRAINT snapshot_has_its_breakdown;
ALTER TABLE scoring_health_snapshot
    DROP COLUMN layout, DROP COLUMN weights, DROP COLUMN scores, DROP COLUMN points, DROP COLUMN lost,
    DROP COLUMN "values", DROP COLUMN why, DROP COLUMN newest_ago;
"""


class Migration(migrations.Migration):
    dependencies = [("scoring", "0003_run_summary")]

    operations = [migrations.RunSQL(ARRAYS, reverse_sql=BACK)]
