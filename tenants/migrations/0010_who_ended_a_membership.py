"""Who ended a membership: what a group took away comes back with the group, what an admin ended does not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0009_sandbox")]

    operations = [
        migrations.AddField(
            "membership", "ended_by", models.CharField(blank=True, db_default="", default="", max_length=100)
        ),
    ]
