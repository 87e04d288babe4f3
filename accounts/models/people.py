"""The people at accounts, and the marks of those who were erased."""

from django.db import models
from django.utils import timezone

from accounts.models.evidence import Evidence, evidence_constraints
from accounts.models.fields import LONGEST, empty_text
from tenants.scoping import TenantForeignKey, TenantModel


class Contact(Evidence):
    """A person at an account."""

    class Role(models.TextChoices):
        CHAMPION = "champion", "Champion"
        ECONOMIC_BUYER = "economic_buyer", "Economic buyer"
        EXECUTIVE_SPONSOR = "executive_sponsor", "Executive sponsor"
        ADMIN = "admin", "Admin"
        USER = "user", "User"
        DETRACTOR = "detractor", "Detractor"

    name = empty_text()
    email = empty_text(320)
    title = empty_text()
    role = models.CharField(max_length=20, choices=Role, blank=True, default="")
    seniority = empty_text(20)
    department = empty_text()
    joined_at = models.DateTimeField(null=True)
    departed_at = models.DateTimeField(null=True)
    time_zone = empty_text(60)
    language = empty_text(40)
    do_not_contact = models.BooleanField(null=True)
    attributes = models.JSONField(default=dict)
    # erased on request: nothing of the person is left but this row, under a made-up id that counts still add up by
    erased_at = models.DateTimeField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("contact")


class ContactChange(TenantModel):
    """A role or a title of a contact that an import found to be another one than was known: what it was, what it is,
    and when Holdfast learnt of it. A value where none was known is no change. Roles that a person puts right are
    corrections (scoring), not changes of the source."""

    class Field(models.TextChoices):
        ROLE = "role", "Role"
        TITLE = "title", "Title"

    contact = TenantForeignKey(Contact, on_delete=models.CASCADE)
    field = models.CharField(max_length=10, choices=Field)
    old = models.CharField(max_length=LONGEST)
    new = models.CharField(max_length=LONGEST)
    changed_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "changed_at"], name="contact_change_ix")]


class ErasedMark(TenantModel):
    """A keyed fingerprint of something by which an erased person could come back; never the thing itself."""

    class Kind(models.TextChoices):
        EXTERNAL_ID = "external_id"
        EMAIL = "email"
        NAME = "name"  # in texts of this account
        NAME_PART = "name_part"  # one word of it, as it was written

    kind = models.CharField(max_length=12, choices=Kind)
    mark = models.CharField(max_length=64)
    pseudonym = models.CharField(max_length=40)
    account_id = models.BigIntegerField(null=True)
    erased_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "mark", "account_id"],
                name="erased_mark_once",
                nulls_distinct=False,
            )
        ]
