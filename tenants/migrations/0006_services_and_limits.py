"""Service identities and their tokens, request limits, quotas, prices and counters (ADR 0014)."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables, composite_key_sql

# Unlogged: a bucket is worth nothing after a crash, and its write then waits for no disk. HOT updates need the room.
BUCKETS = """
CREATE UNLOGGED TABLE tenants_rate_bucket (
    key text PRIMARY KEY,
    tokens double precision NOT NULL,
    capacity double precision NOT NULL,
    rate double precision NOT NULL,
    allowed boolean NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_kept_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="requests_per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("meter", models.CharField(max_length=30)),
                (
                    "limit",
                    models.BigIntegerField(
                        help_text="A month's, or for storage at any time. Delete the row for no limit."
                    ),
                ),
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
                    models.UniqueConstraint(fields=("tenant", "meter"), name="quota_once_a_meter"),
                    models.CheckConstraint(
                        condition=models.Q(("limit__gte", 0)), name="quota_is_not_negative"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ServiceIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("scopes", models.JSONField(default=list)),
                ("created_by_label", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
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
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("tenant", "name"),
                        name="service_identity_name_once",
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ServiceToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=100)),
                ("key", models.CharField(max_length=12, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("environment", models.CharField(max_length=10)),
                ("scopes", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("rotated_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("created_at"), "+", models.Value(datetime.timedelta(days=366))
                                ),
                            )
                        ),
                        name="service_token_lives_a_year_at_most",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UnitPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("meter", models.CharField(max_length=30)),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="One source as the usage page names it; empty: all others.",
                        max_length=300,
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        decimal_places=6, help_text="In the workspace's currency.", max_digits=14
                    ),
                ),
                (
                    "per",
                    models.PositiveBigIntegerField(default=1000, help_text="The price is for this many."),
                ),
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
                    models.UniqueConstraint(
                        fields=("tenant", "meter", "source"), name="unit_price_once_a_source"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price__gte", 0), ("per__gte", 1)), name="unit_price_is_a_price"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="UsageCounter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("meter", models.CharField(max_length=30)),
                ("source", models.CharField(max_length=300)),
                ("used", models.BigIntegerField(default=0)),
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
                    models.UniqueConstraint(
                        fields=("tenant", "month", "meter", "source"), name="usage_once_a_source"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["ServiceIdentity", "Quota", "UnitPrice", "UsageCounter"]),
        migrations.RunSQL(
            [
                "SELECT set_config('app.tenant_id', '0', true)",
                *composite_key_sql("tenants_servicetoken", "identity_id", "tenants_serviceidentity"),
            ],
            reverse_sql=[
                'ALTER TABLE tenants_servicetoken DROP CONSTRAINT "tenants_servicetoken_identity_id_fk"',
                'DROP INDEX "tenants_servicetoken_identity_id_ix"',
            ],
        ),
        migrations.RunSQL(BUCKETS, reverse_sql="DROP TABLE tenants_rate_bucket"),
    ]
