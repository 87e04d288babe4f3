from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("accounts", "0002_boundary"), ("jobs", "0002_boundary")]

    operations = [
        migrations.CreateModel(
            name="Colour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=20)),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE accounts_account ADD COLUMN next_colour text",
            "ALTER TABLE accounts_account DROP next_colour",
        ),
        migrations.RunSQL(
            "ALTER TABLE jobs_job ADD COLUMN next_lane integer DEFAULT 0",
            "ALTER TABLE jobs_job DROP next_lane",
        ),
    ]
