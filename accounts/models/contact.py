"""What is said and asked: tickets, surveys, mails and calls."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models.evidence import Evidence, evidence_constraints, timeline
from accounts.models.fields import empty_text


class Ticket(Evidence):
    opened_at = models.DateTimeField()
    first_response_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    priority = empty_text(10)
    category = empty_text()
    product = empty_text()
    escalated_at = models.DateTimeField(null=True)
    csat = models.SmallIntegerField(null=True)
    subject = empty_text()
    body = models.TextField(blank=True, default="")
    resolution = models.TextField(blank=True, default="")

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("ticket")
        indexes = timeline("ticket", "opened_at")


class Survey(Evidence):
    contact_external_id = empty_text(200)
    kind = models.CharField(max_length=10)
    score = models.SmallIntegerField()
    sent_at = models.DateTimeField(null=True)
    responded_at = models.DateTimeField()
    comment = models.TextField(blank=True, default="")

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("survey")
        indexes = timeline("survey", "responded_at")


class Activity(Evidence):
    contact_external_ids = ArrayField(models.CharField(max_length=200), default=list)
    kind = models.CharField(max_length=30)
    direction = empty_text(10)
    occurred_at = models.DateTimeField()
    subject = empty_text()
    body = models.TextField(blank=True, default="")

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("activity")
        indexes = timeline("activity", "occurred_at")
