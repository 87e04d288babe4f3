"""Programs that act in a tenant: who they are, and the tokens that prove it (ADR 0014)."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tenants.scoping import TenantModel


class ServiceIdentity(TenantModel):
    """A program that somebody here let in, such as an identity provider or a nightly import."""

    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    created_by_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(ended_at=None), name="service_identity_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceToken(models.Model):
    """One secret of a service identity, as its SHA-256.

    Stands outside row-level security like memberships: it decides which tenant a call is in. It holds no customer
    data, and whoever read the whole table could open nothing with it.
    """

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    identity_id = models.BigIntegerField()
    name = models.CharField(max_length=100)  # the identity's, so that a call reads one row
    key = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    environment = models.CharField(max_length=10)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True)  # another one has taken over; this works until expires_at
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="service_token_lives_a_year_at_most",
                condition=Q(expires_at__lte=F("created_at") + timedelta(days=366)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    def works_at(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
