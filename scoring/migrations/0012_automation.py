"""Gates, drift checks, what versions were trained on, and automations that wait for a source."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_longer_texts"),
        ("scoring", "0011_texts"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateField()),
                ("figures", models.JSONField()),
                ("tripped", models.BooleanField()),
                ("stepped_to", models.CharField(blank=True, max_length=10)),
                ("remark", models.CharField(blank=True, max_length=500)),
                ("checked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "model",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scoring.churnmodel",
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
                        fields=("tenant", "model", "as_of"), name="drift_check_once_a_day"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ModelGate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateField()),
                ("place", models.PositiveSmallIntegerField()),
                ("key", models.CharField(max_length=40)),
                ("needed", models.CharField(blank=True, max_length=120)),
                ("found", models.FloatField(null=True)),
                ("passed", models.BooleanField(null=True)),
                ("words", models.CharField(max_length=500)),
                ("details", models.JSONField(default=dict)),
                ("checked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "model",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scoring.churnmodel",
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
                        fields=("tenant", "model", "as_of", "key"), name="model_gate_once_a_day"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PausedAutomation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=40)),
                ("signal", models.JSONField()),
                ("reasons", models.JSONField()),
                ("held_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended",
                    models.CharField(
                        blank=True,
                        choices=[("resumed", "Resumed"), ("overtaken", "Overtaken by a newer scoring")],
                        max_length=10,
                    ),
                ),
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at", None)),
                        fields=["tenant", "what", "held_at"],
                        name="paused_open_ix",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("tenant", "account", "what"),
                        name="paused_once_an_account",
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="TrainingSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), size=None
                    ),
                ),
                ("quantiles", models.JSONField()),
                (
                    "missing",
                    django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None),
                ),
                (
                    "score",
                    django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None),
                ),
                ("rows", models.IntegerField()),
                ("accounts", models.IntegerField()),
                (
                    "model",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scoring.churnmodel",
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
                    models.UniqueConstraint(fields=("tenant", "model"), name="training_sample_once")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["ModelGate", "DriftCheck", "TrainingSample", "PausedAutomation"]),
    ]
