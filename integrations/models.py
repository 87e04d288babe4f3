"""What comes in (bundles, their reports, the quarantine) and what goes out (connections, write intents, attempts)."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.scoping import TenantForeignKey, TenantModel


class BundleImport(TenantModel):
    """One bundle handed in: by a command, or uploaded and imported by a job."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Importing"
        LANDED = "landed", "Landed"
        PARTLY = "partly", "Landed in part"
        REFUSED = "refused", "Refused"

    file_name = models.CharField(max_length=300)
    path = models.CharField(max_length=1000, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    refused = models.TextField(blank=True)
    job = TenantForeignKey("jobs.Job", null=True, on_delete=models.SET_NULL)
    # mended rows of that import, or its stopped files, brought in again
    retry_of = TenantForeignKey("self", null=True, on_delete=models.SET_NULL)
    started_by_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="bundle_newest_ix")]


class BundleFile(TenantModel):
    """The report on one file of a bundle."""

    bundle = TenantForeignKey(BundleImport, on_delete=models.CASCADE)
    file = models.CharField(max_length=300)
    status = models.CharField(max_length=10)  # landed, stopped, ignored
    read = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    message = models.TextField(blank=True)
    seconds = models.FloatField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "bundle", "file"], name="bundle_file_once")]


class QuarantinedRow(TenantModel):
    """A rejected row, set aside whole so that a person can mend and retry it. `row` is what was sent, for ever."""

    class State(models.TextChoices):
        OPEN = "open", "To mend"
        MENDED = "mended", "Mended, not landed yet"
        RETRIED = "retried", "Landed"
        DISCARDED = "discarded", "Discarded"

    bundle = TenantForeignKey(BundleImport, on_delete=models.CASCADE)
    file = models.CharField(max_length=300)
    line = models.BigIntegerField()
    column = models.CharField(max_length=300, blank=True)
    value = models.TextField(blank=True)
    reason = models.TextField()
    row = models.JSONField()
    mended = models.JSONField(null=True)  # the row as a person wants it
    # the import that was asked to bring it in again; it holds the row until it ends
    retry = TenantForeignKey(BundleImport, null=True, on_delete=models.SET_NULL)
    version = models.PositiveIntegerField(default=1, db_default=1)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    resolved_by_label = models.CharField(max_length=300, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=500, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "bundle", "id"], name="quarantine_bundle_ix"),
            models.Index(fields=["tenant", "state", "id"], name="quarantine_open_ix"),
        ]


class Connection(TenantModel):
    """Somewhere that writes go to. In this version: a signed webhook endpoint (Standard Webhooks)."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"  # the receiver answered 410 Gone

    kind = models.CharField(max_length=20, choices=Kind, default=Kind.WEBHOOK)
    name = models.CharField(max_length=200)
    url = models.URLField(max_length=1000)
    secret_sealed = models.TextField()
    previous_secret_sealed = models.TextField(blank=True)
    previous_secret_until = models.DateTimeField(null=True)
    is_sandbox = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    # the receiver asked to be left alone until then (Retry-After)
    rests_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="connection_name_once")]

    def __str__(self) -> str:
        return self.name


class WriteIntent(TenantModel):
    """One write that shall happen once: the outbox. Written in the transaction of the change that asks for it."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        AWAITING_APPROVAL = "awaiting_approval", "Waiting for approval"
        READY = "ready", "Ready to send"
        LEASED = "leased", "Being sent"
        DONE = "done", "Written back"
        PARTIAL = "partial", "Written in part"
        RETRY_WAIT = "retry_wait", "Will be sent again"
        UNKNOWN = "unknown", "Outcome unknown"
        CONFLICT = "conflict", "Changed on the other side"
        BLOCKED = "blocked", "Blocked"
        DEAD = "dead", "Failed"
        SUPERSEDED = "superseded", "Replaced by a newer one"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    # empty while the tenant has configured no endpoint: the intent waits, blocked
    connection = TenantForeignKey(Connection, null=True, on_delete=models.PROTECT)
    ordering_key = models.CharField(max_length=200)  # the account: writes of one key leave in order of seq
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    target = models.JSONField()  # what it is about: object type and our id
    fields = models.JSONField()  # the exact payload that was approved
    base = models.JSONField(default=dict)  # what the other side held when it was planned
    idempotency_key = models.CharField(max_length=64)
    plan_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=20, choices=State)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    supersedes = TenantForeignKey("self", null=True, on_delete=models.SET_NULL)
    correlation_id = models.CharField(max_length=80)
    approval_ref = models.CharField(max_length=80, blank=True)
    account_id = models.BigIntegerField(null=True)
    last_error = models.TextField(blank=True)
    requested_by_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="intent_key_once"),
            models.UniqueConstraint(
                fields=["tenant", "connection", "ordering_key", "seq"], name="intent_seq_once"
            ),
            models.CheckConstraint(
                name="intent_done_fields_agree",
                condition=Q(state="done", done_at__isnull=False) | ~Q(state="done"),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "connection", "state", "next_at"], name="intent_due_ix"),
            models.Index(fields=["tenant", "-id"], name="intent_newest_ix"),
            models.Index(fields=["tenant", "account_id", "-id"], name="intent_account_ix"),
            models.Index(fields=["tenant", "ordering_key", "seq"], name="intent_line_ix"),
        ]


class WriteAttempt(TenantModel):
    """One try to send one intent, kept as the delivery log; never changed."""

    intent = TenantForeignKey(WriteIntent, on_delete=models.CASCADE)
    attempt = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.IntegerField()
    outcome = models.CharField(max_length=30)
    status = models.IntegerField(null=True)
    request_hash = models.CharField(max_length=64)
    request_body = models.TextField()
    response_excerpt = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "intent", "attempt"], name="attempt_once")]
