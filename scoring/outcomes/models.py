"""What a tenant aims at, and what a person says of a customer that left."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring.outcomes.words import CAUSES, FIGURES
from tenants.scoping import TenantForeignKey, TenantModel


class OutcomeTarget(TenantModel):
    """What the tenant aims at for one figure of the outcomes page, in the figure's own unit."""

    figure = models.CharField(
        max_length=20, choices=[(each.key, each.label) for each in FIGURES if each.goal]
    )
    target = models.DecimalField(max_digits=16, decimal_places=2)
    row_version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "figure"], name="outcome_target_once")]

    def __str__(self) -> str:
        return f"Target of {self.get_figure_display()}"


class PostMortem(TenantModel):
    """Why a customer that left was missed, as a person sees it; the rule's own answer stands beside it."""

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    cause = models.CharField(max_length=20, choices=CAUSES)
    rule_cause = models.CharField(max_length=20, choices=CAUSES)  # what the rule said then
    reason = models.CharField(max_length=1000)
    author = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    author_label = models.CharField(max_length=300)
    updated_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account"], name="post_mortem_once"),
            models.CheckConstraint(name="post_mortem_has_a_reason", condition=~Q(reason="")),
        ]
