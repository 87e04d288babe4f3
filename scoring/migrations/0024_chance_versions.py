"""Versions of the numbers that decide who is flagged by the chance of leaving."""

from decimal import Decimal

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables


def share(default: str) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(decimal_places=3, default=Decimal(default), max_digits=4)


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0023_corrected_surveys_and_invoices"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChanceVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("medium_from", share("0.100")),
                ("high_from", share("0.300")),
                ("critical_from", share("0.600")),
                ("margin", share("0.020")),
                ("precision_wanted", share("0.800")),
                ("flags_per_csm_week", models.PositiveSmallIntegerField(default=5)),
                ("version", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("published", "Published"), ("retired", "Retired")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500)),
                ("created_by_label", models.CharField(default="Holdfast", max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("published_at", models.DateTimeField(null=True)),
                ("published_by_label", models.CharField(blank=True, max_length=300)),
                ("preview_job_id", models.BigIntegerField(null=True)),
                ("preview", models.JSONField(null=True)),
                ("row_version", models.PositiveIntegerField(default=1)),
                (
                    "based_on",
                    tenants.scoping.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scoring.chanceversion",
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
                    models.UniqueConstraint(fields=("tenant", "version"), name="chance_version_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "published")),
                        fields=("tenant",),
                        name="chance_version_one_published",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("critical_from__gt", models.F("high_from")),
                            ("critical_from__lt", 1),
                            ("high_from__gt", models.F("medium_from")),
                            ("medium_from__gt", 0),
                        ),
                        name="chance_version_cuts_in_order",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["ChanceVersion"]),
    ]
