"""What the job `scoring.growth` keeps: forecasts of renewals with the terms behind them, and signs of growth."""

from typing import Any

from django.db import models
from django.utils import timezone

from tenants.scoping import TenantForeignKey, TenantModel


def _amount(*, null: bool = False) -> Any:
    return models.DecimalField(max_digits=16, decimal_places=2, null=null)


class RenewalForecast(TenantModel):
    """What one day expected of one quarter's renewals; worked out anew, a day's row is written over."""

    as_of = models.DateField()  # facts before this day were known
    quarter = models.DateField()  # its first day
    run_id = models.BigIntegerField()
    model_version = models.CharField(
        max_length=80, blank=True
    )  # empty: no chance was known, nothing is expected
    figures = models.JSONField()  # docs/growth.md names the keys
    # kept ARR of the same terms once the quarter is over, and the day until which that was known
    actual = _amount(null=True)
    actual_as_of = models.DateField(null=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "as_of", "quarter"], name="renewal_forecast_once")
        ]

    def __str__(self) -> str:
        return f"Renewals from {self.quarter} as of {self.as_of}"


class RenewalTerm(TenantModel):
    """One term behind a forecast: the rows of a figure are these, so that they add up to it."""

    forecast = TenantForeignKey(RenewalForecast, on_delete=models.CASCADE)
    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    subscription_external_id = models.CharField(max_length=200)
    product = models.CharField(max_length=300, blank=True)
    segment = models.CharField(max_length=20, blank=True)  # as on that day
    region = models.CharField(max_length=300, blank=True)
    renewal_date = models.DateField()
    arr = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    arr_reporting = _amount(null=True)  # NULL: no rate on or before the day
    p_renew = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    expected = _amount(null=True)  # arr_reporting x p_renew

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "forecast", "subscription_external_id"], name="renewal_term_once"
            )
        ]


class RenewalTarget(TenantModel):
    """What the tenant wants to have renewed in one quarter, in its own currency; edited in the admin."""

    quarter = models.DateField()  # its first day
    amount = _amount()
    row_version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "quarter"], name="renewal_target_once")]

    def __str__(self) -> str:
        return f"Renewals wanted from {self.quarter}"


class GrowthReport(TenantModel):
    """How often each sign came true in the tenant's own past; one row, that of the newest scored day."""

    as_of = models.DateField()
    run_id = models.BigIntegerField()
    figures = models.JSONField()
    seconds = models.FloatField(default=0)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="growth_report_once")]


class GrowthItem(TenantModel):
    """One thing that an account is likely to do next, with the past cases that say so; replaced every night."""

    class Kind(models.TextChoices):
        EXPANSION = "expansion", "May buy more"
        LEAD = "lead", "Usage-qualified lead"
        TRIAL = "trial", "Trial"
        MILESTONE = "milestone", "Next milestone"
        IMPROVING = "improving", "Health improves"

    kind = models.CharField(max_length=10, choices=Kind)
    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    contact_external_id = models.CharField(max_length=200, blank=True)  # of a lead that is one person's
    pattern = models.CharField(max_length=40, blank=True)  # a key of growth.words
    product = models.CharField(max_length=300, blank=True)
    chance = models.FloatField(null=True)  # empty: too few past cases
    low = models.FloatField(null=True)  # 80 % interval of the chance
    high = models.FloatField(null=True)
    hits = models.IntegerField(default=0)
    cases = models.IntegerField(default=0)
    accounts = models.IntegerField(default=0, db_default=0)  # at which the cases of a pattern were seen
    due = models.DateField(
        null=True
    )  # by when, by the past; the first day of a month where only that is known
    facts = models.JSONField(default=dict)  # figures that the sentence needs; no person's name or address

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "account", "pattern", "product", "contact_external_id"],
                name="growth_item_once",
            )
        ]
