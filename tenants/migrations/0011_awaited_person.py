"""The address of somebody of another organisation, for whom a place is kept without telling that they are known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0010_who_ended_a_membership")]

    operations = [
        migrations.AddField(
            "membership", "awaits", models.EmailField(blank=True, db_default="", default="", max_length=254)
        ),
    ]
