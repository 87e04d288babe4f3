"""Browsers that people are signed in with, and what groups of a company's directory give."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
import tenants.scoping
from django.conf import settings
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0007_second_factor_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SignedIn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("address", models.CharField(blank=True, max_length=50)),
                ("agent", models.CharField(blank=True, max_length=300)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GroupMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=60)),
                ("group", models.CharField(max_length=300)),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "membership",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.membership",
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
                    models.UniqueConstraint(fields=("tenant", "membership"), name="group_member_once")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="GroupRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        default="company", help_text="The sign-in's id, see HOLDFAST_OIDC_ID.", max_length=60
                    ),
                ),
                (
                    "group",
                    models.CharField(
                        help_text="As the sign-in spells it; upper and lower case differ.", max_length=300
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("csm", "CSM"),
                            ("account_executive", "Account executive"),
                            ("manager", "Manager"),
                            ("executive", "Executive"),
                            ("finance", "Finance"),
                            ("revops", "Revenue operations"),
                            ("ops_admin", "CS operations admin"),
                            ("auditor", "Auditor"),
                            ("support", "Support"),
                            ("reviewer", "Reviewer"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "rank",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="Of several groups that somebody is in, the smallest number counts.",
                    ),
                ),
                (
                    "team",
                    tenants.scoping.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.team",
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
                "verbose_name": "group of the company sign-in",
                "verbose_name_plural": "groups of the company sign-in",
                "abstract": False,
                "base_manager_name": "_unscoped",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "provider", "group"), name="group_role_once_a_group"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["GroupMember", "GroupRole"]),
    ]
