"""What the database promises of plays: closed fields that agree, one task a form, and room for a step's last word."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("playbooks", "0002_boundary")]

    operations = [
        migrations.AddField("playstep", "remark", models.TextField(blank=True)),
        migrations.AddField("task", "form_key", models.CharField(blank=True, max_length=40)),
        migrations.AddConstraint(
            "play",
            models.CheckConstraint(
                name="play_closed_fields_agree",
                condition=Q(state__in=["starting", "in_progress"], closed_at=None)
                | Q(state__in=["completed", "cancelled"], closed_at__isnull=False),
            ),
        ),
        migrations.AddConstraint(
            "play",
            models.CheckConstraint(
                name="play_completed_has_an_outcome", condition=~Q(state="completed") | ~Q(outcome="")
            ),
        ),
        migrations.AddConstraint(
            "playbook",
            models.CheckConstraint(
                name="playbook_limit_within_what_events_tell", condition=Q(trigger_score_below__lte=50)
            ),
        ),
        migrations.AddConstraint(
            "playstep",
            models.CheckConstraint(
                name="play_step_done_has_a_time", condition=~Q(state="done") | Q(done_at__isnull=False)
            ),
        ),
        migrations.AddConstraint(
            "playstep",
            models.CheckConstraint(
                name="play_step_waiting_has_a_request",
                condition=~Q(state="pending_approval") | ~Q(approval_ref=""),
            ),
        ),
        migrations.AddConstraint(
            "recommendation",
            models.CheckConstraint(
                name="recommendation_decision_has_a_time",
                condition=~Q(state__in=["accepted", "dismissed"]) | Q(decided_at__isnull=False),
            ),
        ),
        migrations.AddConstraint(
            "task",
            models.UniqueConstraint(
                fields=["tenant", "form_key"], condition=~Q(form_key=""), name="task_once_a_form"
            ),
        ),
        migrations.AddConstraint(
            "task",
            models.CheckConstraint(
                name="task_done_has_a_time",
                condition=Q(state="done", done_at__isnull=False) | (~Q(state="done") & Q(done_at=None)),
            ),
        ),
    ]
