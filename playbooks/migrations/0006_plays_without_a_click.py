"""A playbook may start without a click where a model has earned it; such plays say so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("playbooks", "0005_playbooks_on_improvement")]

    operations = [
        migrations.AddField("playbook", "starts_alone", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("play", "is_unattended", models.BooleanField(db_default=False, default=False)),
    ]
