"""What every kind of evidence has."""

from django.db import models
from django.utils import timezone

from accounts.models.account import Account
from tenants.scoping import TenantForeignKey, TenantModel


class Evidence(TenantModel):
    """What every evidence table has: its id at the source, its account, and when it was recorded."""

    external_id = models.CharField(max_length=200)
    account = TenantForeignKey(Account, on_delete=models.CASCADE)
    source = models.CharField(max_length=60, default="import")
    row_hash = models.BinaryField(max_length=32, default=b"")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        abstract = True


def evidence_constraints(table: str) -> list[models.BaseConstraint]:
    return [models.UniqueConstraint(fields=["tenant", "external_id"], name=f"{table}_id_once")]


def timeline(table: str, event_time: str) -> list[models.Index]:
    """The index under an account's timeline: newest first, ties by id."""
    return [models.Index(fields=["tenant", "account", f"-{event_time}", "-id"], name=f"{table}_timeline_ix")]
