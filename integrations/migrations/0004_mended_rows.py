from django.db import migrations, models

from tenants.migration_ops import composite_key_sql
from tenants.scoping import TenantForeignKey

# A new key is checked under the policies, which are loud without a tenant; the new columns hold nothing yet.
_KEYS = [
    "SELECT set_config('app.tenant_id', '0', true)",
    *composite_key_sql("integrations_bundleimport", "retry_of_id", "integrations_bundleimport"),
    *composite_key_sql("integrations_quarantinedrow", "retry_id", "integrations_bundleimport"),
]
_NO_KEYS = [
    "ALTER TABLE integrations_bundleimport DROP CONSTRAINT integrations_bundleimport_retry_of_id_fk",
    "DROP INDEX integrations_bundleimport_retry_of_id_ix",
    "ALTER TABLE integrations_quarantinedrow DROP CONSTRAINT integrations_quarantinedrow_retry_id_fk",
    "DROP INDEX integrations_quarantinedrow_retry_id_ix",
]


class Migration(migrations.Migration):
    """Rejected rows can be mended where they are, and brought in again."""

    dependencies = [("integrations", "0003_index_of_lines")]

    operations = [
        migrations.AddField(
            model_name="bundleimport",
            name="retry_of",
            field=TenantForeignKey("integrations.bundleimport", null=True, on_delete=models.SET_NULL),
        ),
        migrations.AddField(model_name="quarantinedrow", name="mended", field=models.JSONField(null=True)),
        migrations.AddField(
            model_name="quarantinedrow",
            name="retry",
            field=TenantForeignKey("integrations.bundleimport", null=True, on_delete=models.SET_NULL),
        ),
        migrations.AddField(
            model_name="quarantinedrow",
            name="version",
            field=models.PositiveIntegerField(default=1, db_default=1),
        ),
        migrations.AlterField(
            model_name="quarantinedrow",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "To mend"),
                    ("mended", "Mended, not landed yet"),
                    ("retried", "Landed"),
                    ("discarded", "Discarded"),
                ],
                default="open",
                max_length=10,
            ),
        ),
        migrations.RunSQL(_KEYS, reverse_sql=_NO_KEYS),
    ]
