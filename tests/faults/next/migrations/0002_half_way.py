"""Does half of its work, says so in the ledger, and waits for ever (only where FAULTS_STOP_HALF_WAY is set)."""

import os
import time

from django.db import migrations

from tests.faults import ledger


def wait(apps, schema_editor):
    if not os.environ.get("FAULTS_STOP_HALF_WAY"):
        return
    ledger.note("half way")
    while True:
        time.sleep(1)


class Migration(migrations.Migration):
    dependencies = [("faults_next", "0001_columns")]

    operations = [
        migrations.RunSQL("CREATE TABLE faults_next_first (id bigint)", "DROP TABLE faults_next_first"),
        migrations.RunPython(wait, migrations.RunPython.noop),
        migrations.RunSQL("CREATE TABLE faults_next_second (id bigint)", "DROP TABLE faults_next_second"),
    ]
