"""What the sweeper writes down for /metrics; the web server's role only reads it."""

from django.db import migrations, models

ONLY_THE_WORKER = "REVOKE INSERT, UPDATE, DELETE ON jobs_figures FROM holdfast_app"
EVERYBODY = "GRANT INSERT, UPDATE, DELETE ON jobs_figures TO holdfast_app"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_cancel_request")]

    operations = [
        migrations.CreateModel(
            name="Figures",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("content", models.JSONField()),
                ("taken_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(ONLY_THE_WORKER, reverse_sql=EVERYBODY),
    ]
