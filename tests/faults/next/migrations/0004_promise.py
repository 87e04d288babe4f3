from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("faults_next", "0003_index")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE accounts_note ADD CONSTRAINT next_promise CHECK (length(text) < 1000000) NOT VALID",
            "ALTER TABLE accounts_note DROP CONSTRAINT next_promise",
        )
    ]
