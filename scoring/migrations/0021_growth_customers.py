"""At how many customers the past cases of a sign of growth were seen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0020_pool_read_only")]

    operations = [migrations.AddField("growthitem", "accounts", models.IntegerField(db_default=0, default=0))]
