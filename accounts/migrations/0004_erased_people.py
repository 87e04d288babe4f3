"""Erasing a person on request: the mark on what is left of a contact, and the fingerprints that keep them out."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_guardian_finds_its_tables"), ("tenants", "0002_boundary")]

    operations = [
        migrations.AddField("contact", "erased_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="ErasedMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        max_length=12,
                        choices=[
                            ("external_id", "External Id"), ("email", "Email"), ("name", "Name"),
                            ("name_part", "Name Part"),
                        ],
                    ),
                ),
                ("mark", models.CharField(max_length=64)),
                ("pseudonym", models.CharField(max_length=40)),
                ("account_id", models.BigIntegerField(null=True)),
                ("erased_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={"abstract": False, "base_manager_name": "_unscoped"},
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            "erasedmark",
            models.UniqueConstraint(
                fields=["tenant", "kind", "mark", "account_id"], name="erased_mark_once", nulls_distinct=False
            ),
        ),
        SecureTables(["ErasedMark"]),
    ]  # fmt: skip
