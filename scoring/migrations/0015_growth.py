"""Forecasts of renewals with the terms behind them, and signs of growth."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_longer_texts"),
        ("scoring", "0014_people_and_the_score"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="RenewalForecast",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateField()),
                ("quarter", models.DateField()),
                ("run_id", models.BigIntegerField()),
                ("model_version", models.CharField(blank=True, max_length=80)),
                ("figures", models.JSONField()),
                ("actual", models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ("actual_as_of", models.DateField(null=True)),
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
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="RenewalTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quarter", models.DateField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=16)),
                ("row_version", models.PositiveIntegerField(default=1)),
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
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="RenewalTerm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subscription_external_id", models.CharField(max_length=200)),
                ("product", models.CharField(blank=True, max_length=300)),
                ("segment", models.CharField(blank=True, max_length=20)),
                ("region", models.CharField(blank=True, max_length=300)),
                ("renewal_date", models.DateField()),
                ("arr", models.DecimalField(decimal_places=4, max_digits=16)),
                ("currency", models.CharField(max_length=3)),
                ("arr_reporting", models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ("p_renew", models.DecimalField(decimal_places=6, max_digits=7, null=True)),
                ("expected", models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                (
                    "account",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "forecast",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scoring.renewalforecast",
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
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="GrowthItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("expansion", "May buy more"),
                            ("lead", "Usage-qualified lead"),
                            ("trial", "Trial"),
                            ("milestone", "Next milestone"),
                            ("improving", "Health improves"),
                        ],
                        max_length=10,
                    ),
                ),
                ("contact_external_id", models.CharField(blank=True, max_length=200)),
                ("pattern", models.CharField(blank=True, max_length=40)),
                ("product", models.CharField(blank=True, max_length=300)),
                ("chance", models.FloatField(null=True)),
                ("low", models.FloatField(null=True)),
                ("high", models.FloatField(null=True)),
                ("hits", models.IntegerField(default=0)),
                ("cases", models.IntegerField(default=0)),
                ("due", models.DateField(null=True)),
                ("facts", models.JSONField(default=dict)),
                (
                    "account",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
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
                    models.UniqueConstraint(
                        fields=("tenant", "kind", "account", "pattern", "product", "contact_external_id"),
                        name="growth_item_once",
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="GrowthReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateField()),
                ("run_id", models.BigIntegerField()),
                ("figures", models.JSONField()),
                ("seconds", models.FloatField(default=0)),
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
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="growth_report_once")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            model_name="renewalforecast",
            constraint=models.UniqueConstraint(
                fields=("tenant", "as_of", "quarter"), name="renewal_forecast_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="renewaltarget",
            constraint=models.UniqueConstraint(fields=("tenant", "quarter"), name="renewal_target_once"),
        ),
        migrations.AddConstraint(
            model_name="renewalterm",
            constraint=models.UniqueConstraint(
                fields=("tenant", "forecast", "subscription_external_id"), name="renewal_term_once"
            ),
        ),
        SecureTables(["RenewalForecast", "RenewalTerm", "RenewalTarget", "GrowthItem", "GrowthReport"]),
    ]
