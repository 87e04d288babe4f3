"""How much of the installation a tenant may use, what it costs, and what only a counter can know."""

from django.db import models
from django.db.models import Q

from tenants.scoping import TenantModel


class Quota(TenantModel):
    """The most of one meter that this tenant may use; no row means no limit."""

    meter = models.CharField(max_length=30)
    limit = models.BigIntegerField(
        help_text="A month's, or for storage at any time. Delete the row for no limit."
    )

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "meter"], name="quota_once_a_meter"),
            models.CheckConstraint(name="quota_is_not_negative", condition=Q(limit__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.meter}: {self.limit:,}"


class UnitPrice(TenantModel):
    """What one meter costs, for the page that says which source caused which cost; no row means no cost shown."""

    meter = models.CharField(max_length=30)
    source = models.CharField(
        max_length=300, blank=True, help_text="One source as the usage page names it; empty: all others."
    )
    price = models.DecimalField(max_digits=14, decimal_places=6, help_text="In the workspace's currency.")
    per = models.PositiveBigIntegerField(default=1000, help_text="The price is for this many.")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "meter", "source"], name="unit_price_once_a_source"),
            models.CheckConstraint(name="unit_price_is_a_price", condition=Q(price__gte=0) & Q(per__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.source}".strip()


class UsageCounter(TenantModel):
    """What leaves no row of its own, such as calls of the API, by month and source."""

    month = models.DateField()
    meter = models.CharField(max_length=30)
    source = models.CharField(max_length=300)
    used = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "month", "meter", "source"], name="usage_once_a_source"
            ),
        ]
