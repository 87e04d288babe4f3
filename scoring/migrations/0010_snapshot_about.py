"""What the sentences of a snapshot need beyond its values: names of features, windows of the policy's own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scoring", "0009_outcomes")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE scoring_health_snapshot ADD COLUMN about jsonb",
            reverse_sql="ALTER TABLE scoring_health_snapshot DROP COLUMN about",
        )
    ]
