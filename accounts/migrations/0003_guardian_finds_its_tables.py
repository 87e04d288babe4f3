"""guardian looks for its direct tables by the reverse relation, which related_name="+" hid. State only, no SQL."""

import django.db.models.deletion
from django.db import migrations, models

ACCOUNT = models.ForeignKey(
    db_constraint=False,
    db_index=False,
    on_delete=django.db.models.deletion.CASCADE,
    to="accounts.account",
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_boundary")]

    operations = [
        migrations.AlterField("accountgroupperm", "content_object", ACCOUNT),
        migrations.AlterField("accountuserperm", "content_object", ACCOUNT.clone()),
    ]
