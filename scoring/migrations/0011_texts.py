"""How texts of customers sound, competitors to look for, and who named them."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_longer_texts"),
        ("scoring", "0010_snapshot_about"),
        ("tenants", "0010_who_ended_a_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="Competitor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("is_active", models.BooleanField(default=True)),
                ("searched_to", models.DateTimeField(editable=False, null=True)),
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
            name="CompetitorMention",
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
                            ("ticket", "Support ticket"),
                            ("resolution", "Resolution of a ticket"),
                            ("activity", "Mail, call or meeting"),
                            ("survey", "Survey comment"),
                        ],
                        max_length=10,
                    ),
                ),
                ("row_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
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
                    "competitor",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scoring.competitor",
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
            name="TextReading",
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
                            ("ticket", "Support ticket"),
                            ("resolution", "Resolution of a ticket"),
                            ("activity", "Mail, call or meeting"),
                            ("survey", "Survey comment"),
                        ],
                        max_length=10,
                    ),
                ),
                ("row_id", models.BigIntegerField()),
                ("version", models.CharField(max_length=40)),
                ("compound", models.SmallIntegerField()),
                ("confidence", models.SmallIntegerField()),
                ("recorded_at", models.DateTimeField()),
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
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            model_name="competitor",
            constraint=models.UniqueConstraint(
                models.F("tenant"), django.db.models.functions.text.Lower("name"), name="competitor_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="competitor",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="competitor_has_a_name"
            ),
        ),
        migrations.AddIndex(
            model_name="competitormention",
            index=models.Index(fields=["tenant", "account", "-at"], name="competitor_mention_ix"),
        ),
        migrations.AddConstraint(
            model_name="competitormention",
            constraint=models.UniqueConstraint(
                fields=("tenant", "competitor", "kind", "row_id"), name="competitor_mention_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="textreading",
            constraint=models.UniqueConstraint(
                fields=("tenant", "kind", "row_id", "version"), name="text_read_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="textreading",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("compound__gte", -10000),
                    ("compound__lte", 10000),
                    ("confidence__gte", 0),
                    ("confidence__lte", 100),
                ),
                name="text_reading_within_its_scale",
            ),
        ),
        SecureTables(["Competitor", "CompetitorMention", "TextReading"]),
    ]
