"""How far inputs moved by themselves in training, beside the sample that drift is measured against."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0017_associations")]

    operations = [
        migrations.AddField("trainingsample", "movement", models.JSONField(db_default={}, default=dict)),
    ]
