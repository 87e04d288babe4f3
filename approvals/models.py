"""Approval policies, requests and decisions. Subjects are known by reference and payload digest alone (ADR 0002)."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tenants.scoping import TenantForeignKey, TenantModel


class ApprovalPolicy(TenantModel):
    """One line of the tenant's approval policy: when it applies, and who must say yes. First match wins."""

    kind = models.CharField(max_length=60)  # what is asked, e.g. discount
    name = models.CharField(max_length=200)
    position = models.PositiveSmallIntegerField()
    # applies when every given limit holds; NULL: no limit
    max_discount_pct = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    max_cost = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    # roles that must each say yes, in order, e.g. ["manager", "finance"]
    approver_roles = models.JSONField(default=list)
    answer_within_hours = models.PositiveSmallIntegerField(default=24)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        verbose_name = "policy line"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "position"], name="approval_policy_position_once"
            ),
            # a line without approvers would be a yes without a person
            models.CheckConstraint(name="approval_policy_names_a_person", condition=~Q(approver_roles=[])),
        ]

    def __str__(self) -> str:
        return self.name


class ApprovalRequest(TenantModel):
    """One question to a person. It binds to the digest of the exact payload: another payload needs a new yes."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        CHANGES_REQUESTED = "changes_requested", "Changes asked for"
        EXPIRED = "expired", "Expired"
        WITHDRAWN = "withdrawn", "Withdrawn"
        VOIDED = "voided", "Void"  # what it asks for changed while it waited

    ref = models.CharField(max_length=40)  # A-2207, counted a tenant
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=300)
    why = models.TextField(blank=True)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    payload = models.JSONField()
    digest = models.CharField(max_length=64)
    # what the caller handed over: account_id, account_name, owner_id, team_id, arr, currency, discount_pct, cost, …
    facts = models.JSONField()
    account_id = models.BigIntegerField(null=True)
    account_owner_id = models.BigIntegerField(null=True)
    account_team_id = models.BigIntegerField(null=True)
    # the sentence that applied, and each limit that was looked at: [{"passed": true, "text": "…"}]
    policy_line = models.CharField(max_length=500)
    policy_version = models.CharField(max_length=80)
    policy_checks = models.JSONField(default=list)
    approver_roles = models.JSONField()
    next_role = models.CharField(
        max_length=20, blank=True, default=""
    )  # whose answer it waits for; empty once closed
    answer_within_hours = models.PositiveSmallIntegerField(default=24)
    requested_by = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    requested_by_label = models.CharField(max_length=300)
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.CharField(max_length=500, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "ref"], name="approval_ref_once"),
            models.UniqueConstraint(
                fields=["tenant", "subject_type", "subject_id"],
                condition=Q(state="pending"),
                name="approval_one_open_a_subject",
            ),
            models.CheckConstraint(
                name="approval_closed_fields_agree",
                condition=Q(state="pending", closed_at=None)
                | (~Q(state="pending") & Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="approval_waits_for_a_role",
                condition=(Q(state="pending") & ~Q(next_role="")) | (~Q(state="pending") & Q(next_role="")),
            ),
            models.CheckConstraint(name="approval_names_a_person", condition=~Q(approver_roles=[])),
        ]
        indexes = [models.Index(fields=["tenant", "state", "due_at", "id"], name="approval_due_ix")]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"


class ApprovalDecision(TenantModel):
    """One person's answer, with the digest and the facts it was given on; never changed."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approve"
        CHANGES_REQUESTED = "changes_requested", "Ask for changes"
        REJECTED = "rejected", "Reject"

    request = TenantForeignKey(ApprovalRequest, on_delete=models.CASCADE)
    person = models.ForeignKey("tenants.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    person_label = models.CharField(max_length=300)
    as_role = models.CharField(max_length=20)
    verdict = models.CharField(max_length=20, choices=Verdict)
    comment = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    facts = models.JSONField()
    # copied from the request, so that the database itself can refuse a self-approval
    requested_by_id = models.BigIntegerField(null=True)
    account_owner_id = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "request", "person"], name="decision_once_a_person"),
            models.CheckConstraint(
                name="decision_never_on_own_request",
                condition=Q(requested_by_id__isnull=True) | ~Q(requested_by_id=F("person_id")),
            ),
            models.CheckConstraint(
                name="decision_never_on_own_account",
                condition=Q(account_owner_id__isnull=True) | ~Q(account_owner_id=F("person_id")),
            ),
        ]
