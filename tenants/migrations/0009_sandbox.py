"""What stays in a sandbox: its mail, and the names of the people who are copied into it."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_statistics_of_what_changed")]

    operations = [
        migrations.AddField("tenant", "mask_people", models.BooleanField(default=True, db_default=True)),
        migrations.CreateModel(
            name="MailboxMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("to", models.TextField()),
                ("sender", models.CharField(max_length=320)),
                ("subject", models.CharField(max_length=1000)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                "indexes": [models.Index(fields=["tenant", "-id"], name="mailbox_newest_ix")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["MailboxMessage"]),
    ]  # fmt: skip
