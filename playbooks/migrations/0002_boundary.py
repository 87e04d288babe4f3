from django.db import migrations

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("playbooks", "0001_initial"), ("accounts", "0002_boundary")]

    operations = [SecureTables(["Playbook", "PlaybookStep", "Recommendation", "Play", "PlayStep", "Task"])]
