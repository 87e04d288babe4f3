"""A write's outcome finds the step that asked for it."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("playbooks", "0003_promises_of_plays")]

    operations = [
        migrations.AddIndex(
            "playstep",
            models.Index(
                fields=["tenant", "intent_id"],
                condition=Q(intent_id__isnull=False),
                name="play_step_intent_ix",
            ),
        )
    ]
