"""A playbook may answer to good news: health or the chance of leaving has clearly improved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("playbooks", "0004_find_steps_by_write")]

    operations = [
        migrations.AddField(
            "playbook",
            "trigger_on",
            models.CharField(
                choices=[
                    ("low", "An indicator is low"),
                    ("improved", "Health or the chance of leaving has clearly improved"),
                ],
                db_default="low",
                default="low",
                max_length=10,
            ),
        )
    ]
