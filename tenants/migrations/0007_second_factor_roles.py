"""Roles that reach no page without a second factor; none at first. A constant default: no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_services_and_limits")]

    operations = [
        migrations.AddField(
            "tenant",
            "second_factor_roles",
            models.JSONField(
                blank=True,
                db_default=models.Value([], output_field=models.JSONField()),
                default=list,
            ),
        ),
    ]
