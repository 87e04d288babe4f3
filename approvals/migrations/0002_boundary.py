from django.db import migrations

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("tenants", "0002_boundary")]

    operations = [
        SecureTables(
            ["ApprovalPolicy", "ApprovalRequest", "ApprovalDecision"],
            append_only=["ApprovalDecision"],
        )
    ]
