"""How long groups of customers stayed, as worked out by night: the page reads it and computes nothing."""

from django.db import models
from django.utils import timezone

from tenants.scoping import TenantForeignKey, TenantModel


class CohortReport(TenantModel):
    """Curves of the accounts that somebody may see. One row a reach (`queries.reach_of`): who is limited to a region
    reads figures of that region's accounts alone, so that nothing outside can be told from them."""

    reach = models.CharField(max_length=64, blank=True)  # empty: every account of the workspace
    as_of = models.DateField()  # the newest scored day
    run_id = models.BigIntegerField()  # the run that scored it
    figures = models.JSONField()  # docs/scoring.md names the keys
    made_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "reach"], name="cohort_report_once_a_reach")]

    def __str__(self) -> str:
        return f"Cohorts on {self.as_of}"


class AssociationReport(TenantModel):
    """What the training of one version found to be associated with leaving, by indicator and segment."""

    model = TenantForeignKey("scoring.ChurnModel", on_delete=models.CASCADE)
    figures = models.JSONField()  # docs/scoring.md names the keys
    made_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "model"], name="association_report_once")]

    def __str__(self) -> str:
        return f"What is associated with leaving, {self.model}"
