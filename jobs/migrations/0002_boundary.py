from django.db import migrations

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial"), ("tenants", "0002_boundary")]

    operations = [SecureTables(["Job", "ScheduleTick"], worker_sees_all=["Job", "ScheduleTick"])]
