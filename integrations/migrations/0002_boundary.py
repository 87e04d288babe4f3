from django.db import migrations

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("tenants", "0002_boundary"), ("jobs", "0002_boundary")]

    operations = [
        SecureTables(
            ["BundleImport", "BundleFile", "QuarantinedRow", "Connection", "WriteIntent", "WriteAttempt"],
            append_only=["WriteAttempt"],
            worker_sees_all=["WriteIntent"],
        )
    ]
