"""What a run found as a whole, so that its page reads one row instead of every snapshot."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0002_boundary")]

    operations = [
        migrations.AddField(
            model_name="scorerun", name="summary", field=models.JSONField(default=dict),
        ),
    ]  # fmt: skip
