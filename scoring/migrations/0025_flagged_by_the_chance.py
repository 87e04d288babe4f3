"""One cause more; the columns stay as they are."""

from django.db import migrations, models

CAUSES = [
    ("data_missing", "Never flagged, data was missing"),
    ("too_late", "Flagged too late"),
    ("no_play", "Flagged, but no play was run"),
    ("play_dismissed", "The suggested play was dismissed"),
    ("override_hid", "An override hid it"),
    ("nothing_visible", "Nothing was visible"),
    ("chance_alone", "Flagged by the chance alone"),
    ("not_missed", "Seen in time and worked on"),
]


class Migration(migrations.Migration):
    dependencies = [("scoring", "0024_chance_versions")]

    operations = [
        migrations.AlterField("postmortem", name, models.CharField(choices=CAUSES, max_length=20))
        for name in ("cause", "rule_cause")
    ]
