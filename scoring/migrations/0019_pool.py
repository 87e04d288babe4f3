"""What a workspace hands on for others, under its policy; and what all say together, which belongs to nobody."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables

SHARED = "scoring_sharedpool"


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0018_movement"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="PoolContribution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("document", models.JSONField()),
                ("as_of", models.DateField()),
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
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="pool_contribution_once")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SharedPool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveSmallIntegerField(default=1, unique=True)),
                ("document", models.JSONField()),
                ("workspaces", models.PositiveIntegerField()),
                ("is_sound", models.BooleanField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("place", 1)), name="shared_pool_is_one"),
                    models.CheckConstraint(
                        condition=models.Q(("workspaces__gte", 3)), name="shared_pool_of_three"
                    ),
                ],
            },
        ),
        SecureTables(["PoolContribution"], worker_sees_all=["PoolContribution"]),
        # pages read the mean; only the workers, who alone see what it is made of, write it
        migrations.RunSQL(
            f"REVOKE INSERT, UPDATE, DELETE ON {SHARED} FROM holdfast_app",
            f"GRANT INSERT, UPDATE, DELETE ON {SHARED} TO holdfast_app",
        ),
    ]
