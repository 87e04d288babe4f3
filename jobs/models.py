"""The job row is the truth, django-q2 the doorbell (DECISIONS 20, ADR 0002)."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tenants.scoping import TenantModel


class Job(TenantModel):
    """One piece of work: claimed under an advisory lock, its attempts counted before it runs."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        DEAD = "dead", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=60)
    args = models.JSONField(default=dict)
    # at most one unfinished job of a tenant has this key; empty: no such limit
    dedupe_key = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    not_before = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(null=True)
    # the last doorbell; empty: none yet, so the sweeper rings as soon as the job is due
    rung_at = models.DateTimeField(null=True)
    # a person wants it stopped; the handler notices at its next progress (ADR 0004)
    cancel_requested_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    message = models.CharField(max_length=300, blank=True)
    result = models.JSONField(null=True)
    requested_by_id = models.BigIntegerField(null=True)
    requested_by_label = models.CharField(max_length=300, default="Holdfast")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "dedupe_key"],
                condition=Q(state__in=["queued", "running"]) & ~Q(dedupe_key=""),
                name="job_one_unfinished_a_key",
            ),
            models.CheckConstraint(
                name="job_attempts_within_bounds", condition=Q(attempts__lte=F("max_attempts"))
            ),
            models.CheckConstraint(
                name="job_finished_fields_agree",
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(state__in=["done", "dead", "cancelled"], finished_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "state", "not_before"], name="job_due_ix"),
            models.Index(fields=["tenant", "kind", "-id"], name="job_kind_ix"),
        ]

    @property
    def is_finished(self) -> bool:
        return self.state not in {self.State.QUEUED, self.State.RUNNING}


class ScheduleTick(TenantModel):
    """One slot of one schedule that was fired: the unique key is what keeps it from firing twice."""

    name = models.CharField(max_length=60)
    slot = models.DateTimeField()
    fired_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name", "slot"], name="tick_once_a_slot")]


class WorkerHeartbeat(models.Model):
    """When the worker group last answered its canary; holds no tenant's data."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()


class Figures(models.Model):
    """What the sweeper last found for /metrics: numbers by slug, kind and state. Written by the worker role alone."""

    name = models.CharField(max_length=20, primary_key=True)
    content = models.JSONField()
    taken_at = models.DateTimeField()
