"""What an identity provider keeps here beside the memberships themselves: its own ids, and its groups (ADR 0014)."""

from django.db import models
from django.utils import timezone

from tenants.roles import Role
from tenants.scoping import TenantForeignKey, TenantModel


class ScimUser(TenantModel):
    """The provider's side of one membership. No name and no address is kept here: those are the person's own row."""

    membership_id = models.BigIntegerField()
    external_id = models.CharField(max_length=200, blank=True)
    role_from_groups = models.BooleanField(default=False)
    changed_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True)  # the provider deleted it: not found, until it is made again

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "membership_id"], name="scim_user_once_a_membership"),
        ]

    def __str__(self) -> str:
        return self.external_id or str(self.membership_id)


class ScimGroup(TenantModel):
    """A group of the provider, and the role and team that being in it gives."""

    display_name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200, blank=True)
    role = models.CharField(
        max_length=20, choices=Role, blank=True, help_text="Empty: the group gives no role."
    )
    team = TenantForeignKey(
        "tenants.Team", null=True, blank=True, on_delete=models.PROTECT, help_text="Empty: the team stays."
    )
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "display_name"], name="scim_group_name_once"),
        ]

    def __str__(self) -> str:
        return self.display_name


class ScimGroupMember(TenantModel):
    """One person in one group."""

    group = TenantForeignKey(ScimGroup, on_delete=models.CASCADE)
    membership_id = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "group", "membership_id"], name="scim_group_member_once"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "membership_id"], name="scim_groups_of_member_ix")]
