from django.db import migrations, models


class Migration(migrations.Migration):
    """The next place in a line is asked for at every plan, over all endpoints."""

    dependencies = [("integrations", "0002_boundary")]

    operations = [
        migrations.AddIndex(
            model_name="writeintent",
            index=models.Index(fields=["tenant", "ordering_key", "seq"], name="intent_line_ix"),
        ),
    ]
