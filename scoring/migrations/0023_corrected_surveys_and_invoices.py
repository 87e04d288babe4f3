"""Surveys and invoices can be corrected at their row, too; the column stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0022_least_leavers")]

    operations = [
        migrations.AlterField(
            "sourcecorrection",
            "source",
            models.CharField(
                choices=[
                    ("contact", "Person"),
                    ("ticket", "Ticket"),
                    ("subscription", "Term"),
                    ("survey", "Survey"),
                    ("invoice", "Invoice"),
                ],
                max_length=20,
            ),
        )
    ]
