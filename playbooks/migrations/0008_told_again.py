"""What was dropped may be told again; a turn that was taken is counted also where it gave way."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("playbooks", "0007_renewals_and_risk")]

    # squawk: allow require-concurrent-index-deletion because the table is of 0007, which no release has
    operations = [
        migrations.RemoveConstraint(model_name="cue", name="cue_once_a_term"),
        migrations.AddConstraint(
            model_name="cue",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "renewal"), models.Q(("state", "dropped"), _negated=True)),
                fields=("tenant", "account", "playbook", "term"),
                name="cue_once_a_term",
            ),
        ),
        migrations.RemoveIndex(model_name="cue", name="cue_given_ix"),
        migrations.AddIndex(
            model_name="cue",
            index=models.Index(
                condition=models.Q(("is_flag", True), ("state__in", ["given", "dropped"])),
                fields=["tenant", "ended_at"],
                name="cue_given_ix",
            ),
        ),
    ]
