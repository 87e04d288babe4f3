"""What was checked of a version and when, what it was trained on, and automations that wait for a source."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring.automation.words import LABELS
from tenants.scoping import TenantForeignKey, TenantModel


class ModelGate(TenantModel):
    """One gate of one version on one day. A figure that stands beside the gates has neither passed nor failed."""

    model = TenantForeignKey("scoring.ChurnModel", on_delete=models.CASCADE)
    as_of = models.DateField()  # the newest scored day when it was checked
    place = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=40)
    needed = models.CharField(max_length=120, blank=True)
    found = models.FloatField(null=True)  # shares as shares, months as months; NULL: not known yet
    passed = models.BooleanField(null=True)
    words = models.CharField(max_length=500)
    details = models.JSONField(default=dict)  # the figure with its interval and counts
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "model", "as_of", "key"], name="model_gate_once_a_day")
        ]

    @property
    def label(self) -> str:
        return LABELS.get(self.key, self.key)


class DriftCheck(TenantModel):
    """One look at the version in force: its world now against the one it learnt."""

    model = TenantForeignKey("scoring.ChurnModel", on_delete=models.CASCADE)
    as_of = models.DateField()
    figures = models.JSONField()  # rows {key, value, limit, tripped, beyond, watch, words}
    tripped = models.BooleanField()
    stepped_to = models.CharField(max_length=10, blank=True)  # the state that a trip took the version back to
    remark = models.CharField(max_length=500, blank=True)  # what could not be checked, and why
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "model", "as_of"], name="drift_check_once_a_day")
        ]

    @property
    def beyond(self) -> list[dict[str, Any]]:
        """Rows outside of their limits, also those that have not lasted long enough to trip."""
        return [row for row in self.figures if row.get("beyond", row["tripped"])]


class TrainingSample(TenantModel):
    """How inputs and scores lay in training: evenly spaced quantiles, enough for shifts by deciles."""

    model = TenantForeignKey("scoring.ChurnModel", on_delete=models.CASCADE)
    names = ArrayField(models.CharField(max_length=80))
    quantiles = models.JSONField()  # one list a name, empty where training never saw a value
    missing = ArrayField(models.FloatField())  # share of rows without a value, one a name
    score = ArrayField(models.FloatField())  # quantiles of the chance within 90 days
    movement = models.JSONField(default=dict, db_default={})  # how far each moved by itself (samples.keep)
    rows = models.IntegerField()
    accounts = models.IntegerField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "model"], name="training_sample_once")]


class PausedAutomation(TenantModel):
    """Something that would have happened by itself on an account, kept until what it rests on is back."""

    class Ended(models.TextChoices):
        RESUMED = "resumed", "Resumed"
        OVERTAKEN = "overtaken", "Overtaken by a newer scoring"

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    what = models.CharField(max_length=40)  # who waits: playbooks.triggers
    signal = models.JSONField()  # the newest one, as its owner wrote it
    reasons = models.JSONField()  # [{"key", "words"}, …] when it was held
    held_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=10, choices=Ended, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "what"],
                condition=Q(ended_at=None),
                name="paused_once_an_account",
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "what", "held_at"], condition=Q(ended_at=None), name="paused_open_ix"
            )
        ]
