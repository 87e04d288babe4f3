"""Rows of what people say beside the scores. Nothing here is an input of health but observations on champions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from scoring.people.words import About, Confidence, Level, ReportState, Said, SentimentReason, Sign, Source
from tenants.scoping import TenantForeignKey, TenantModel


class Authored(TenantModel):
    """Who said it and when; the label stays when the person is forgotten."""

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    author = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    author_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        abstract = True


class CsmSentiment(Authored):
    """How a CSM feels about the account, until a day; the newest one that still holds is shown."""

    level = models.CharField(max_length=20, choices=Level)
    reasons = ArrayField(models.CharField(max_length=20, choices=SentimentReason), default=list, size=3)
    note = models.CharField(max_length=2_000, blank=True)
    valid_until = models.DateField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "account", "-created_at"], name="csm_sentiment_ix")]
        constraints = [
            models.CheckConstraint(
                name="csm_sentiment_reasons_at_most_three", condition=Q(reasons__len__lte=3)
            )
        ]


class PersonObservation(Authored):
    """What a CSM noticed of a person, by its own day. Restricted; it never leaves the product (docs/security.md)."""

    contact = TenantForeignKey("accounts.Contact", on_delete=models.CASCADE)
    sign = models.CharField(max_length=20, choices=Sign)
    confidence = models.CharField(max_length=10, choices=Confidence)
    observed_on = models.DateField()
    expires_on = models.DateField()  # the last day on which it counts
    note = models.CharField(max_length=2_000, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "account", "-observed_on"], name="person_observation_ix")]
        constraints = [
            models.CheckConstraint(
                name="observation_ends_after_it_began", condition=Q(expires_on__gte=F("observed_on"))
            )
        ]


class ReasonFeedback(Authored):
    """What a person thinks of one reason or suggestion as they read it."""

    about = models.CharField(max_length=20, choices=About)
    key = models.CharField(max_length=80)  # the indicator's key, or the playbook's id
    words = models.CharField(max_length=500, blank=True)  # the reason as it stood then
    as_of = models.DateField(null=True)
    said = models.CharField(max_length=20, choices=Said)
    note = models.CharField(max_length=1_000, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "created_at"], name="reason_feedback_ix")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "about", "key", "author"],
                condition=Q(withdrawn_at=None),
                name="feedback_one_a_person",
            )
        ]

    @property
    def shown_words(self) -> str:
        """A suggestion's name and what spoke for it are two lines in `words`."""
        return self.words.replace("\n", ": ")


class DataReport(TenantModel):
    """A reason whose fact is said to be wrong: open until somebody corrects the source row or says why not."""

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    feedback = TenantForeignKey(ReasonFeedback, on_delete=models.CASCADE)
    state = models.CharField(max_length=10, choices=ReportState, default=ReportState.OPEN)
    opened_at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=1_000, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by_label = models.CharField(max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "state", "-opened_at"], name="data_report_ix")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "feedback"], name="data_report_once_a_feedback")
        ]


class SourceCorrection(Authored):
    """One field of one source row as a person put it right: old, new, why; held against the same old value."""

    report = TenantForeignKey(DataReport, null=True, on_delete=models.SET_NULL)
    source = models.CharField(max_length=20, choices=Source)
    row_id = models.BigIntegerField()
    row_label = models.CharField(max_length=300)
    field = models.CharField(max_length=40)
    old = models.CharField(max_length=100, blank=True)  # as text; empty: there was no value
    new = models.CharField(max_length=100, blank=True)
    why = models.CharField(max_length=1_000)
    held = models.PositiveIntegerField(
        default=0
    )  # how often an import brought the old value and it was kept out
    held_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(
        null=True
    )  # an import brought a third value, or somebody corrected again
    superseded_by = models.CharField(max_length=100, blank=True)  # that value

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "row_id", "field"],
                condition=Q(superseded_at=None),
                name="correction_one_in_force",
            )
        ]


class Notice(TenantModel):
    """Something that a person is told once, until they put it away."""

    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = TenantForeignKey("accounts.Account", null=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    dismissed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(
                fields=["tenant", "user", "-created_at"],
                condition=Q(dismissed_at=None),
                name="notice_open_ix",
            )
        ]
