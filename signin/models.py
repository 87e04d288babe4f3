"""Who is signed in where, and what groups of a company's own directory give in a workspace.

`SignedIn` belongs to a person, not to a tenant, like the session it stands beside; the other two are tenants' rows.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone

from tenants.roles import Role
from tenants.scoping import TenantForeignKey, TenantModel


class SignedIn(models.Model):
    """One browser in which a person is signed in. The session itself holds the times that decide (sessions.py)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    address = models.CharField(max_length=50, blank=True)
    agent = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} since {self.started_at:%Y-%m-%d %H:%M}"


class GroupRole(TenantModel):
    """What a group of the company's sign-in gives here: a role and, if wanted, a team. Edited in the admin."""

    provider = models.CharField(
        max_length=60, default="company", help_text="The sign-in's id, see HOLDFAST_OIDC_ID."
    )
    group = models.CharField(
        max_length=300, help_text="As the sign-in spells it; upper and lower case differ."
    )
    role = models.CharField(max_length=20, choices=Role)
    team = TenantForeignKey("tenants.Team", null=True, blank=True, on_delete=models.PROTECT)
    rank = models.PositiveSmallIntegerField(
        default=100, help_text="Of several groups that somebody is in, the smallest number counts."
    )

    class Meta(TenantModel.Meta):
        verbose_name = "group of the company sign-in"
        verbose_name_plural = "groups of the company sign-in"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "provider", "group"], name="group_role_once_a_group"),
        ]

    def __str__(self) -> str:
        return f"{self.group}: {Role(self.role).label}"


class GroupMember(TenantModel):
    """A membership that a group gave, and that ends when the group is gone; those made by hand are not here."""

    membership = models.ForeignKey(
        "tenants.Membership", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    provider = models.CharField(max_length=60)
    group = models.CharField(max_length=300)
    since = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "membership"], name="group_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.membership_id} by {self.group}"
