"""What a workspace hands on for others, and what all of them say together (ADR 0020)."""

from django.db import models
from django.utils import timezone

from tenants.scoping import TenantModel


class PoolContribution(TenantModel):
    """One workspace's coefficients while it consents: no customer, no amount, no name. The workers see all of them."""

    document = models.JSONField()  # engine.churn.pooling.to_json
    as_of = models.DateField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="pool_contribution_once")]


class SharedPool(models.Model):
    """The mean of three and more workspaces; at most one row, belonging to nobody. Written by the workers alone."""

    place = models.PositiveSmallIntegerField(default=1, unique=True)
    document = models.JSONField()  # engine.churn.pooling.pool_to_json
    workspaces = models.PositiveIntegerField()
    is_sound = models.BooleanField()  # each is served by what the others say, as far as asked
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="shared_pool_is_one", condition=models.Q(place=1)),
            models.CheckConstraint(name="shared_pool_of_three", condition=models.Q(workspaces__gte=3)),
        ]
