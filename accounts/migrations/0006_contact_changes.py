"""Roles and titles of contacts that an import changed, with the time when Holdfast learnt of it."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import tenants.scoping
from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_longer_texts"), ("tenants", "0002_boundary")]

    operations = [
        migrations.CreateModel(
            name="ContactChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("field", models.CharField(choices=[("role", "Role"), ("title", "Title")], max_length=10)),
                ("old", models.CharField(max_length=10000)),
                ("new", models.CharField(max_length=10000)),
                ("changed_at", models.DateTimeField()),
                (
                    "contact",
                    tenants.scoping.TenantForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE,
                        related_name="+", to="accounts.contact",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "_unscoped",
                "indexes": [models.Index(fields=["tenant", "changed_at"], name="contact_change_ix")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["ContactChange"]),
    ]  # fmt: skip
