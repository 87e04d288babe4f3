"""How long groups of customers stayed, for each reach."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0015_growth"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="CohortReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reach", models.CharField(blank=True, max_length=64)),
                ("as_of", models.DateField()),
                ("run_id", models.BigIntegerField()),
                ("figures", models.JSONField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "_unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "reach"), name="cohort_report_once_a_reach")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["CohortReport"]),
    ]
