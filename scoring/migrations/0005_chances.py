"""Columns and tables of the chance of leaving."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0004_snapshots_in_arrays"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShadowScore",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant_id",
                        "account_id",
                        "as_of",
                        "run_id",
                        "model_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("as_of", models.DateField()),
                ("model_id", models.BigIntegerField()),
                ("p30", models.DecimalField(decimal_places=6, max_digits=7)),
                ("p60", models.DecimalField(decimal_places=6, max_digits=7)),
                ("p90", models.DecimalField(decimal_places=6, max_digits=7)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "db_table": "scoring_shadow_score",
                "managed": False,
            },
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="at_stake",
            field=models.DecimalField(decimal_places=4, max_digits=16, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="chance_flags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="chance_reasons",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="leaves",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.FloatField(), null=True, size=None
            ),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="model_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="model_version",
            field=models.CharField(blank=True, db_default="", max_length=80),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p30",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p60",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p90",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p90_delta_30",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p90_high",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p90_low",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="p_renew",
            field=models.DecimalField(decimal_places=6, max_digits=7, null=True),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="risk_level",
            field=models.CharField(blank=True, db_default="", max_length=10),
        ),
        migrations.AddField(
            model_name="accounthealth",
            name="risk_pending",
            field=models.CharField(blank=True, db_default="", max_length=10),
        ),
        migrations.CreateModel(
            name="ChurnModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=20)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("shadow", "Shadow"),
                            ("advisory", "Advisory"),
                            ("automatic", "Automatic"),
                            ("retired", "Retired"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("as_of", models.DateField()),
                ("document", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("report", models.JSONField(default=dict)),
                ("is_usable", models.BooleanField(default=False)),
                ("promoted_at", models.DateTimeField(null=True)),
                ("promoted_by_label", models.CharField(blank=True, max_length=300)),
                ("retired_at", models.DateTimeField(null=True)),
                ("retired_why", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_by_label", models.CharField(default="Holdfast", max_length=300)),
                ("job_id", models.BigIntegerField(null=True)),
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
                "indexes": [models.Index(fields=["tenant", "-as_of", "-id"], name="churn_model_newest_ix")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "version"), name="churn_model_version_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["advisory", "automatic"])),
                        fields=("tenant",),
                        name="churn_model_one_live",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
