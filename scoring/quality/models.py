"""What the chances were worth, as worked out on one day: the model quality page reads it and computes nothing."""

from django.db import models
from django.utils import timezone

from tenants.scoping import TenantModel


class QualityReport(TenantModel):
    """One day's figures as JSON (docs/quality.md names the keys); worked out anew, a day's row is written over."""

    as_of = models.DateField()  # the newest scored day: what happened before it is known
    run_id = models.BigIntegerField()  # the run that scored it
    figures = models.JSONField()
    seconds = models.FloatField(default=0)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "as_of"], name="quality_report_once_a_day")]

    def __str__(self) -> str:
        return f"Quality on {self.as_of}"
