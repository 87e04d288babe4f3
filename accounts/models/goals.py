"""Goals, news of the company, and how it ended."""

from django.db import models
from django.db.models import Q

from accounts.models.evidence import Evidence, evidence_constraints, timeline
from accounts.models.fields import LONGEST, empty_text, money


class Objective(Evidence):
    name = models.CharField(max_length=LONGEST)
    metric = empty_text()
    usage_metric = empty_text(200)
    baseline = models.FloatField(null=True)
    target = models.FloatField(null=True)
    expected_value = money()
    declared_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    achieved_at = models.DateTimeField(null=True)
    value_realized = models.FloatField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("objective")
        indexes = timeline("objective", "declared_at")


class Milestone(Evidence):
    """Has no event time: it counts from the account's customer_since."""

    stage = empty_text(20)
    name = models.CharField(max_length=LONGEST)
    due_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("milestone")
        indexes = timeline("milestone", "completed_at")


class CompanyEvent(Evidence):
    kind = models.CharField(max_length=30)
    published_at = models.DateTimeField()
    headline = empty_text()
    url = empty_text()

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("company_event")
        indexes = timeline("company_event", "published_at")


class Outcome(Evidence):
    """What became of a contract. `churned` means that the whole account left."""

    subscription_external_id = empty_text(200)
    kind = models.CharField(max_length=20)
    effective_at = models.DateTimeField()
    arr_before = money()
    arr_after = money()
    currency = empty_text(3)
    reason = empty_text()

    class Meta(Evidence.Meta):
        constraints = [
            *evidence_constraints("outcome"),
            models.CheckConstraint(
                name="outcome_kind_is_known",
                condition=Q(kind__in=["churned", "renewed", "downgraded", "expanded"]),
            ),
        ]
        indexes = timeline("outcome", "effective_at")
