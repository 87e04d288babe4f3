"""Fewer than 20 leavers are too few for chances of one's own, whatever a workspace wants."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0021_growth_customers")]

    operations = [
        migrations.AlterField(
            "chancesettings",
            "least_leavers",
            models.PositiveSmallIntegerField(
                default=20, validators=[django.core.validators.MinValueValidator(20)]
            ),
        )
    ]
