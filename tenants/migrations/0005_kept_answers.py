"""The answers kept for requests that name themselves with an idempotency key (ADR 0012)."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_reviewer")]

    operations = [
        migrations.CreateModel(
            "KeptAnswer",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("principal", models.CharField(max_length=120)),
                ("key", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField(default=bytes)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                "indexes": [models.Index(fields=["tenant", "created_at"], name="kept_answer_by_age")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "principal", "key"), name="kept_answer_once_a_key"
                    )
                ],
            },
            managers=[("objects", models.Manager()), ("_unscoped", models.Manager())],
        ),
        SecureTables(["KeptAnswer"]),
    ]
