from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("faults_next", "0004_promise")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE accounts_note VALIDATE CONSTRAINT next_promise", migrations.RunSQL.noop
        )
    ]
