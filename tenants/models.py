"""Organisations, tenants, people, teams and memberships.

Users, tenants and memberships stand outside row-level security: they decide which tenant a request is in.
"""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from tenants.roles import RIGHTS, Role
from tenants.scoping import TenantForeignKey, TenantModel


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who signs in with this e-mail; without a password the account waits for an invitation."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An installation's technician: no membership, so no tenant's data (DECISIONS 15)."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # guardian
    """A person; the e-mail is the name."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    last_tenant = models.ForeignKey(
        "tenants.Tenant", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    @property
    def initials(self) -> str:
        words = (self.name or self.email.split("@")[0]).replace(".", " ").split()
        return "".join(word[0] for word in words[:2]).upper()


class Organisation(models.Model):
    """A company that runs Holdfast; its tenants share people, never data."""

    name = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.name


class Tenant(models.Model):
    """One environment of one organisation, and the boundary that no row crosses."""

    class Environment(models.TextChoices):
        PRODUCTION = "production"
        SANDBOX = "sandbox"

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="tenants")
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.PRODUCTION)
    currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=60, default="UTC")
    rejected_rows_limit_pct = models.DecimalField(max_digits=5, decimal_places=2, default=5)
    # in a sandbox: imported people get made-up names and addresses, and what they wrote is left out
    mask_people = models.BooleanField(default=True, db_default=True)
    # instead of the installation's own limit for a workspace (tenants.ratelimits)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    # members with one of these roles reach no page without a second factor (signin.middleware)
    second_factor_roles = models.JSONField(
        default=list, db_default=Value([], output_field=models.JSONField()), blank=True
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="tenant_currency_is_iso", condition=Q(currency__regex=r"^[A-Z]{3}$")),
            models.CheckConstraint(
                name="tenant_rejected_limit_is_a_share",
                condition=Q(rejected_rows_limit_pct__gte=0, rejected_rows_limit_pct__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sandbox(self) -> bool:
        return self.environment == self.Environment.SANDBOX


class Team(TenantModel):
    """A group of CSMs with a manager; accounts without a CSM stand in its pooled queue."""

    name = models.CharField(max_length=200)
    parent = TenantForeignKey("tenants.Team", null=True, blank=True, on_delete=models.PROTECT)
    is_default = models.BooleanField(default=False)
    # guardian grants to groups: one for the team's managers, one for its members (pooled accounts)
    managers = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+", db_index=False)
    members = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="team_name_once_a_tenant"),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_default=True), name="team_one_default"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What one person is in one tenant: a role, a team, and a scope that narrows what the role sees."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    team_id = models.BigIntegerField(null=True, blank=True)
    # each empty list means "all"; see tenants.roles.Scope
    regions = models.JSONField(default=list, blank=True)
    segments = models.JSONField(default=list, blank=True)
    products = models.JSONField(default=list, blank=True)
    programmes = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    # the actor who ended it, "kind:id"; empty while it is active, and for one that ended before this was noted
    ended_by = models.CharField(max_length=100, default="", db_default="", blank=True)
    # an address that an identity provider named and that is somebody's of another organisation: until the operator
    # brings them in, `user` is a stand-in whom nobody can sign in as (tenants.addresses)
    awaits = models.EmailField(default="", db_default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_a_person"),
            models.CheckConstraint(name="membership_role_is_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant_id} as {self.role}"

    @property
    def address(self) -> str:
        """The address that this tenant knows the person by."""
        return self.awaits or self.user.email

    @property
    def rights(self) -> frozenset[str]:
        """What the role may do, for templates: `{% if "see_arr" in viewer.rights %}`."""
        return RIGHTS[Role(self.role)] if self.is_active else frozenset()


class KeptAnswer(TenantModel):
    """What a request with an idempotency key was answered; without a status it is under way (ADR 0012)."""

    principal = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "principal", "key"], name="kept_answer_once_a_key")
        ]
        indexes = [models.Index(fields=["tenant", "created_at"], name="kept_answer_by_age")]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


# Their own files, one table of models for Django: the modules need the base above and nothing of this one.
from tenants.identity_models import ServiceIdentity, ServiceToken  # noqa: E402, F401
from tenants.mailbox_models import MailboxMessage  # noqa: E402, F401
from tenants.quota_models import Quota, UnitPrice, UsageCounter  # noqa: E402, F401
