"""Accounts, who may see one, and notes about it."""

from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models.expressions import Func
from django.db.models.functions import Cast
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models.fields import empty_text
from tenants.scoping import TenantForeignKey, TenantModel


class Account(TenantModel):  # type: ignore[django-manager-missing]  # guardian
    """A customer or a prospect (customer_since empty)."""

    class Segment(models.TextChoices):
        ENTERPRISE = "enterprise", "Enterprise"
        MID_MARKET = "mid_market", "Mid-market"
        SMB = "smb", "SMB"

    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=1000)
    domain = empty_text()
    industry = empty_text()
    employees = models.BigIntegerField(null=True)
    country = empty_text()
    region = empty_text()
    plan = empty_text()
    segment = models.CharField(max_length=20, choices=Segment, blank=True, default="")
    owner_email = empty_text(320)
    ae_email = empty_text(320)
    customer_since = models.DateField(null=True)
    parent_external_id = empty_text(200)
    strategic = models.BooleanField(null=True)
    trial_started_at = models.DateTimeField(null=True)
    converted_at = models.DateTimeField(null=True)
    attributes = models.JSONField(default=dict)
    # resolved from owner_email; no owner: the team's pooled queue
    owner = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    team = TenantForeignKey("tenants.Team", null=True, on_delete=models.PROTECT)
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        permissions = [("see_account", "May see this account")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "external_id"], name="account_external_id_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "owner"], name="account_owner_ix"),
            models.Index(fields=["tenant", "name", "id"], name="account_name_ix"),
            models.Index(fields=["tenant", "ae_email"], name="account_ae_ix"),
            models.Index(fields=["tenant", "owner_email"], name="account_owner_email_ix"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_prospect(self) -> bool:
        return self.customer_since is None


class CurrentTenant(Func):
    """The tenant of the running transaction, for rows that a library writes without knowing tenants."""

    function = "current_setting"
    template = "current_setting('app.tenant_id')"
    output_field = models.CharField()


class AccountUserPerm(UserObjectPermissionBase):
    """guardian: this person may see this account (its owner, or somebody it was shared with)."""

    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_default=Cast(CurrentTenant(), models.BigIntegerField()),
    )
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, db_index=False)
    # no related_name="+": guardian finds this table by the reverse relation, and else writes to its generic one
    content_object = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)

    class Meta(UserObjectPermissionBase.Meta):
        unique_together = ["tenant", "user", "permission", "content_object"]


class AccountGroupPerm(GroupObjectPermissionBase):
    """guardian: a team's managers, or for a pooled account its members, may see this account."""

    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_default=Cast(CurrentTenant(), models.BigIntegerField()),
    )
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, db_index=False)
    content_object = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)

    class Meta(GroupObjectPermissionBase.Meta):
        unique_together = ["tenant", "group", "permission", "content_object"]


class AccountShare(TenantModel):
    """An account shared with one more person, by whom and why; the grant itself is guardian's."""

    account = TenantForeignKey(Account, on_delete=models.CASCADE)
    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=500)
    shared_by_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account", "user"], name="share_once_a_person"),
        ]


class Note(TenantModel):
    """What a person wrote on an account."""

    account = TenantForeignKey(Account, on_delete=models.CASCADE)
    text = models.TextField()
    author = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    author_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "account", "-created_at", "-id"], name="note_account_ix")]
