"""The append-only event log, its seals, and the cursors of those who read it (PLATFORM 6, ADR 0002)."""

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from tenants.scoping import TenantModel


class EventRows(models.QuerySet["AuditEvent"]):
    """Rows come with the words that people typed put back (audit.words)."""

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()  # type: ignore[misc]
        if is_new:
            _with_words(self._result_cache or [])

    def iterator(self, chunk_size: int | None = None) -> Iterator[Any]:
        chunk: list[Any] = []
        for row in super().iterator(chunk_size or 2000):
            chunk.append(row)
            if len(chunk) == 500:
                _with_words(chunk)
                yield from chunk
                chunk = []
        _with_words(chunk)
        yield from chunk


def _with_words(rows: list[Any]) -> None:
    from audit.words import put_back

    put_back(row.diff for row in rows if isinstance(row, AuditEvent) and "diff" in row.__dict__)


class AuditEvent(models.Model):
    """One thing that happened. Ids and labels are text of that day; there is no foreign key to the subject.

    The table is partitioned by month and made by SQL; (epoch, xid, id) is its order for consumers.
    """

    pk = models.CompositePrimaryKey("tenant_id", "at", "id")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.DO_NOTHING, related_name="+")
    id = models.BigIntegerField()
    at = models.DateTimeField()
    epoch = models.IntegerField()
    xid = models.BigIntegerField()
    verb = models.CharField(max_length=80)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=300)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=80)
    object_label = models.CharField(max_length=300)
    # what the event belongs to, for "everything about this account / decision": at most one each
    account_id = models.BigIntegerField(null=True)
    decision_ref = models.CharField(max_length=80)
    diff = models.JSONField()
    request_id = models.CharField(max_length=40)

    objects = EventRows.as_manager()

    class Meta:
        managed = False
        db_table = "audit_event"


class EventWords(TenantModel):
    """A text that a person typed, beside the event that refers to it; see audit.words."""

    account_id = models.BigIntegerField(null=True)
    salt = models.BinaryField(max_length=16)
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "account_id"], name="words_account_ix")]


class AuditSeal(TenantModel):
    """A link of the tenant's hash chain: the Merkle root over events that can no longer change."""

    seq = models.BigIntegerField()
    first_key = ArrayField(models.BigIntegerField(), size=3)  # epoch, xid, id
    last_key = ArrayField(models.BigIntegerField(), size=3)
    event_count = models.IntegerField()
    merkle_root = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64)
    seal_hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "seq"], name="seal_seq_once")]


class AuditCursor(TenantModel):
    """How far one consumer has read one tenant's log."""

    consumer = models.CharField(max_length=60)
    epoch = models.IntegerField(default=0)
    xid = models.BigIntegerField(default=0)
    event_id = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "consumer"], name="cursor_once_a_consumer")]


class Installation(models.Model):
    """One row: the epoch, which `restore` raises so that restored rows count as settled (DECISIONS 4)."""

    epoch = models.IntegerField(default=1)


class RetiredEvents(TenantModel):
    """Of one seal, how many events of a month were let go, and their leaves where the seal holds others too."""

    seq = models.BigIntegerField()
    month = models.DateField()
    events = models.IntegerField()
    leaves = models.JSONField(default=list)  # [[epoch, xid, id, hex], …]; empty: the whole seal went
    retired_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "month", "seq"], name="retired_once_a_seal"),
        ]
