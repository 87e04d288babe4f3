from django.db import migrations, models

from tenants.migration_ops import AddIndexSafely


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("faults_next", "0002_half_way")]

    operations = [AddIndexSafely("colour", models.Index(fields=["name"], name="faults_next_colour_ix"))]
