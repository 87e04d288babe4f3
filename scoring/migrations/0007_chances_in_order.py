"""Checks the snapshots that were there before against the constraint that new ones already keep."""

from django.db import migrations

CHECKED = "ALTER TABLE scoring_health_snapshot VALIDATE CONSTRAINT snapshot_chances_in_order"


class Migration(migrations.Migration):
    dependencies = [("scoring", "0006_chance_boundary")]

    operations = [migrations.RunSQL(CHECKED, reverse_sql=migrations.RunSQL.noop)]
