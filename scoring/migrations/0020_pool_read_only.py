"""The workers read what all workspaces hand on, and write what their own tenant hands on alone."""

from django.db import migrations

TABLE = "scoring_poolcontribution"
DROPPED = f"DROP POLICY worker_sweeps ON {TABLE}"


class Migration(migrations.Migration):
    dependencies = [("scoring", "0019_pool")]

    operations = [
        migrations.RunSQL(
            [DROPPED, f"CREATE POLICY worker_sweeps ON {TABLE} FOR SELECT TO holdfast_worker USING (true)"],
            [DROPPED, f"CREATE POLICY worker_sweeps ON {TABLE} TO holdfast_worker USING (true)"],
        ),
    ]
