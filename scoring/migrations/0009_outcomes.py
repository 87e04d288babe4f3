"""Targets of the outcomes page, and what people say of customers that left."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables

FIGURES = [
    ("churn", "Logo churn"),
    ("renewal", "Renewal rate"),
    ("grr", "Gross retention (GRR)"),
    ("nrr", "Net retention (NRR)"),
    ("end", "ARR at the end"),
    ("risk", "At-risk ARR now"),
    ("stake", "At stake now"),
    ("nps", "NPS"),
]
CAUSES = [
    ("data_missing", "Never flagged, data was missing"),
    ("too_late", "Flagged too late"),
    ("no_play", "Flagged, but no play was run"),
    ("play_dismissed", "The suggested play was dismissed"),
    ("override_hid", "An override hid it"),
    ("nothing_visible", "Nothing was visible"),
    ("not_missed", "Seen in time and worked on"),
]
KEY = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
TENANT = (
    "tenant",
    models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="tenants.tenant",
    ),
)
MANAGERS = [
    ("objects", django.db.models.manager.Manager()),
    ("_unscoped", django.db.models.manager.Manager()),
]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_longer_texts"),
        ("scoring", "0008_chance_settings"),
        ("tenants", "0010_who_ended_a_membership"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutcomeTarget",
            fields=[
                KEY,
                ("figure", models.CharField(choices=FIGURES, max_length=20)),
                ("target", models.DecimalField(decimal_places=2, max_digits=16)),
                ("row_version", models.PositiveIntegerField(default=1)),
                TENANT,
            ],
            options={
                "abstract": False,
                "base_manager_name": "_unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "figure"), name="outcome_target_once")
                ],
            },
            managers=MANAGERS,
        ),
        migrations.CreateModel(
            name="PostMortem",
            fields=[
                KEY,
                ("cause", models.CharField(choices=CAUSES, max_length=20)),
                ("rule_cause", models.CharField(choices=CAUSES, max_length=20)),
                ("reason", models.CharField(max_length=1000)),
                ("author_label", models.CharField(max_length=300)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("version", models.PositiveIntegerField(default=1)),
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
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                TENANT,
            ],
            options={
                "abstract": False,
                "base_manager_name": "_unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "account"), name="post_mortem_once"),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="post_mortem_has_a_reason"
                    ),
                ],
            },
            managers=MANAGERS,
        ),
        SecureTables(["OutcomeTarget", "PostMortem"]),
    ]
