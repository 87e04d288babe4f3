"""Contracts, invoices, deals, and what currencies are worth."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.evidence import Evidence, evidence_constraints, timeline
from accounts.models.fields import LONGEST, empty_text, money
from tenants.scoping import TenantForeignKey, TenantModel


class Subscription(Evidence):
    """One term of one contract; a renewal is a new row."""

    product = empty_text()
    plan = empty_text()
    seats = models.BigIntegerField(null=True)
    arr = money(null=False)
    currency = models.CharField(max_length=3)
    started_at = models.DateTimeField()
    renewal_date = models.DateField()
    term_months = models.IntegerField(null=True)
    auto_renew = models.BooleanField(null=True)
    notice_days = models.IntegerField(null=True)
    list_arr = money()
    uplift_cap_pct = models.FloatField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = empty_text()

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("subscription")
        indexes = timeline("subscription", "started_at")


class Invoice(Evidence):
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    amount = money(null=False)
    currency = models.CharField(max_length=3)
    voided_at = models.DateTimeField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("invoice")
        indexes = timeline("invoice", "issued_at")


class Opportunity(Evidence):
    name = models.CharField(max_length=LONGEST)
    type = models.CharField(max_length=20)
    owner_email = empty_text(320)
    amount = money(null=False)
    currency = models.CharField(max_length=3)
    stage = models.CharField(max_length=LONGEST)
    forecast_category = empty_text(20)
    created_at = models.DateTimeField()
    close_date = models.DateField()
    closed_at = models.DateTimeField(null=True)
    won = models.BooleanField(null=True)
    next_step = empty_text()
    next_step_due = models.DateField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("opportunity")
        indexes = timeline("opportunity", "created_at")


class OpportunityChange(TenantModel):
    """One change of one field of an opportunity: what rewinds it to an earlier day."""

    opportunity = TenantForeignKey(Opportunity, on_delete=models.CASCADE)
    changed_at = models.DateTimeField()
    field = models.CharField(max_length=30)
    old_value = models.TextField(blank=True, default="")
    new_value = models.TextField(blank=True, default="")
    changed_by = empty_text(320)
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "opportunity", "changed_at", "field"], name="opportunity_change_once"
            ),
        ]


class FxRate(TenantModel):
    """What one unit of `currency` is worth in the tenant's reporting currency, from `day` on (DECISIONS 26)."""

    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "currency", "day"], name="fx_rate_once_a_day"),
            models.CheckConstraint(name="fx_rate_is_positive", condition=Q(rate__gt=0)),
        ]
