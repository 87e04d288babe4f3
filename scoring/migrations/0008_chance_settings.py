"""What a tenant decides about chances of leaving."""

from decimal import Decimal

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0007_chances_in_order"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChanceSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "medium_from",
                    models.DecimalField(decimal_places=3, default=Decimal("0.100"), max_digits=4),
                ),
                ("high_from", models.DecimalField(decimal_places=3, default=Decimal("0.300"), max_digits=4)),
                (
                    "critical_from",
                    models.DecimalField(decimal_places=3, default=Decimal("0.600"), max_digits=4),
                ),
                ("margin", models.DecimalField(decimal_places=3, default=Decimal("0.020"), max_digits=4)),
                (
                    "precision_wanted",
                    models.DecimalField(decimal_places=3, default=Decimal("0.800"), max_digits=4),
                ),
                ("flags_per_csm_week", models.PositiveSmallIntegerField(default=5)),
                ("pools_across_tenants", models.BooleanField(default=False)),
                ("months_in_shadow", models.PositiveSmallIntegerField(default=3)),
                ("least_leavers", models.PositiveSmallIntegerField(default=20)),
                (
                    "most_calibration_error",
                    models.DecimalField(decimal_places=3, default=Decimal("0.030"), max_digits=4),
                ),
                (
                    "own_chance_from",
                    models.DecimalField(decimal_places=3, default=Decimal("0.700"), max_digits=4),
                ),
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
                "verbose_name_plural": "chance settings",
                "abstract": False,
                "base_manager_name": "_unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="chance_settings_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("critical_from__gt", models.F("high_from")),
                            ("critical_from__lt", 1),
                            ("high_from__gt", models.F("medium_from")),
                            ("medium_from__gt", 0),
                        ),
                        name="risk_cuts_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("margin__lt", Decimal("0.1")),
                            ("most_calibration_error__gt", 0),
                            ("own_chance_from__lte", 1),
                            ("precision_wanted__gt", 0),
                            ("precision_wanted__lt", 1),
                        ),
                        name="chance_settings_are_shares",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["ChanceSettings"]),
    ]
