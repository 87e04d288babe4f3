"""Until when an endpoint asked to be left alone (429 or 503 with Retry-After): new writes wait for it too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0004_mended_rows")]
    operations = [migrations.AddField("connection", "rests_until", models.DateTimeField(null=True))]
