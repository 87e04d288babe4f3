"""Playbooks on the end of a term and on a level of risk that rose, and what waits for its turn."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_longer_texts"),
        ("playbooks", "0006_plays_without_a_click"),
        ("tenants", "0011_awaited_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="playbook",
            name="trigger_chance_below",
            field=models.DecimalField(blank=True, decimal_places=3, max_digits=4, null=True),
        ),
        migrations.AddField(
            model_name="playbook",
            name="trigger_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="playbook",
            name="trigger_level",
            field=models.CharField(
                blank=True,
                choices=[("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                db_default="",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="playbook",
            name="trigger_on",
            field=models.CharField(
                choices=[
                    ("low", "An indicator is low"),
                    ("improved", "Health or the chance of leaving has clearly improved"),
                    ("renewal", "The main term ends soon"),
                    ("risk", "The level of risk has risen"),
                ],
                db_default="low",
                default="low",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Cue",
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
                        choices=[("renewal", "A term ends"), ("risk", "The level of risk rose")],
                        max_length=10,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for its turn"),
                            ("given", "Given"),
                            ("dropped", "No longer so"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_flag", models.BooleanField()),
                ("term", models.CharField(blank=True, max_length=300)),
                ("ends", models.DateField(null=True)),
                ("was", models.CharField(blank=True, max_length=10)),
                ("level", models.CharField(blank=True, max_length=10)),
                ("as_of", models.DateField()),
                ("event_key", models.JSONField(default=list)),
                ("raised_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_why", models.CharField(blank=True, max_length=200)),
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
                    "given_to",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "playbook",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="playbooks.playbook",
                    ),
                ),
                (
                    "recommendation",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="playbooks.recommendation",
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
                        condition=models.Q(("state", "waiting")),
                        fields=["tenant", "account"],
                        name="cue_waiting_ix",
                    ),
                    models.Index(
                        condition=models.Q(("is_flag", True), ("state", "given")),
                        fields=["tenant", "ended_at"],
                        name="cue_given_ix",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "renewal")),
                        fields=("tenant", "account", "playbook", "term"),
                        name="cue_once_a_term",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "risk"), ("state", "waiting")),
                        fields=("tenant", "account"),
                        name="cue_one_rise_waits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("state", "waiting")),
                            models.Q(
                                models.Q(("state", "waiting"), _negated=True), ("ended_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="cue_waits_or_has_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ends__isnull", False),
                                ("kind", "renewal"),
                                ("playbook__isnull", False),
                                models.Q(("term", ""), _negated=True),
                            ),
                            models.Q(("kind", "risk"), models.Q(("level", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="cue_of_a_term_or_a_level",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["Cue"]),
    ]
