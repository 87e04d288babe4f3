"""Accounts, the people at them, and every kind of evidence. Field words are those of docs/import.md.

Evidence rows carry where they came from (source, external_id), when it happened (their own event time) and when
Holdfast learnt of it (recorded_at). A row's later facts count from their own times (docs/import.md, "Time travel").
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.expressions import Func
from django.db.models.functions import Cast
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from tenants.scoping import TenantForeignKey, TenantModel


def money(*, null: bool = True) -> "models.DecimalField[Any, Any]":
    """Money as the import takes it: up to 1e10 with four decimals, beside its currency."""
    return models.DecimalField(max_digits=16, decimal_places=4, null=null)


LONGEST = 10_000  # characters of a text for which the import format names no limit (docs/import.md, "Limits")


def empty_text(length: int = LONGEST) -> "models.CharField[str, str]":
    """Text that may be unknown: empty, never NULL."""
    return models.CharField(max_length=length, blank=True, default="")


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


class Product(TenantModel):
    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=LONGEST)
    category = empty_text()
    family = empty_text()
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "external_id"], name="product_id_once")]


class Article(TenantModel):
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=LONGEST)
    body = models.TextField()
    product = empty_text()
    updated_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "external_id"], name="article_id_once")]


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


class Subscription(Evidence):
    """One term of one contract; a renewal is a new row."""

    product = empty_text()
    plan = empty_text()
    seats = models.BigIntegerField(null=True)
    arr = money(null=False)
    currency = models.CharField(max_length=3)
    started_at = models.DateTimeField()
    renewal_date = models.DateField()
    term_months = models.IntegerField(null=True)
    auto_renew = models.BooleanField(null=True)
    notice_days = models.IntegerField(null=True)
    list_arr = money()
    uplift_cap_pct = models.FloatField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = empty_text()

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("subscription")
        indexes = timeline("subscription", "started_at")


class Ticket(Evidence):
    opened_at = models.DateTimeField()
    first_response_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    priority = empty_text(10)
    category = empty_text()
    product = empty_text()
    escalated_at = models.DateTimeField(null=True)
    csat = models.SmallIntegerField(null=True)
    subject = empty_text()
    body = models.TextField(blank=True, default="")
    resolution = models.TextField(blank=True, default="")

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("ticket")
        indexes = timeline("ticket", "opened_at")


class Invoice(Evidence):
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    amount = money(null=False)
    currency = models.CharField(max_length=3)
    voided_at = models.DateTimeField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("invoice")
        indexes = timeline("invoice", "issued_at")


class Survey(Evidence):
    contact_external_id = empty_text(200)
    kind = models.CharField(max_length=10)
    score = models.SmallIntegerField()
    sent_at = models.DateTimeField(null=True)
    responded_at = models.DateTimeField()
    comment = models.TextField(blank=True, default="")

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("survey")
        indexes = timeline("survey", "responded_at")


class Activity(Evidence):
    contact_external_ids = ArrayField(models.CharField(max_length=200), default=list)
    kind = models.CharField(max_length=30)
    direction = empty_text(10)
    occurred_at = models.DateTimeField()
    subject = empty_text()
    body = models.TextField(blank=True, default="")

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("activity")
        indexes = timeline("activity", "occurred_at")


class Objective(Evidence):
    name = models.CharField(max_length=LONGEST)
    metric = empty_text()
    usage_metric = empty_text(200)
    baseline = models.FloatField(null=True)
    target = models.FloatField(null=True)
    expected_value = money()
    declared_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    achieved_at = models.DateTimeField(null=True)
    value_realized = models.FloatField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("objective")
        indexes = timeline("objective", "declared_at")


class Milestone(Evidence):
    """Has no event time: it counts from the account's customer_since."""

    stage = empty_text(20)
    name = models.CharField(max_length=LONGEST)
    due_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("milestone")
        indexes = timeline("milestone", "completed_at")


class CompanyEvent(Evidence):
    kind = models.CharField(max_length=30)
    published_at = models.DateTimeField()
    headline = empty_text()
    url = empty_text()

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("company_event")
        indexes = timeline("company_event", "published_at")


class Opportunity(Evidence):
    name = models.CharField(max_length=LONGEST)
    type = models.CharField(max_length=20)
    owner_email = empty_text(320)
    amount = money(null=False)
    currency = models.CharField(max_length=3)
    stage = models.CharField(max_length=LONGEST)
    forecast_category = empty_text(20)
    created_at = models.DateTimeField()
    close_date = models.DateField()
    closed_at = models.DateTimeField(null=True)
    won = models.BooleanField(null=True)
    next_step = empty_text()
    next_step_due = models.DateField(null=True)

    class Meta(Evidence.Meta):
        constraints = evidence_constraints("opportunity")
        indexes = timeline("opportunity", "created_at")


class OpportunityChange(TenantModel):
    """One change of one field of an opportunity: what rewinds it to an earlier day."""

    opportunity = TenantForeignKey(Opportunity, on_delete=models.CASCADE)
    changed_at = models.DateTimeField()
    field = models.CharField(max_length=30)
    old_value = models.TextField(blank=True, default="")
    new_value = models.TextField(blank=True, default="")
    changed_by = empty_text(320)
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "opportunity", "changed_at", "field"], name="opportunity_change_once"
            ),
        ]


class Outcome(Evidence):
    """What became of a contract. `churned` means that the whole account left."""

    subscription_external_id = empty_text(200)
    kind = models.CharField(max_length=20)
    effective_at = models.DateTimeField()
    arr_before = money()
    arr_after = money()
    currency = empty_text(3)
    reason = empty_text()

    class Meta(Evidence.Meta):
        constraints = [
            *evidence_constraints("outcome"),
            models.CheckConstraint(
                name="outcome_kind_is_known",
                condition=Q(kind__in=["churned", "renewed", "downgraded", "expanded"]),
            ),
        ]
        indexes = timeline("outcome", "effective_at")


class UsageDay(models.Model):
    """One account's usage on one day; partitioned by month. A NULL metric is not known, never zero."""

    METRICS = (
        "active_users", "logins", "sessions", "core_events", "features_used", "api_calls", "errors", "data_gb",
    )  # fmt: skip

    pk = models.CompositePrimaryKey("tenant_id", "account_id", "day")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.DO_NOTHING, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+")
    day = models.DateField()
    active_users = models.FloatField(null=True)
    logins = models.FloatField(null=True)
    sessions = models.FloatField(null=True)
    core_events = models.FloatField(null=True)
    features_used = models.FloatField(null=True)
    api_calls = models.FloatField(null=True)
    errors = models.FloatField(null=True)
    data_gb = models.FloatField(null=True)
    extra = models.JSONField(default=dict)
    source = models.CharField(max_length=60)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "accounts_usage_day"


class UsageDetail(models.Model):
    """Who used what on one day, for the accounts that have it; partitioned by month."""

    pk = models.CompositePrimaryKey(
        "tenant_id", "account_id", "day", "contact_external_id", "product", "feature"
    )
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.DO_NOTHING, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+")
    day = models.DateField()
    contact_external_id = models.CharField(max_length=200)
    product = models.CharField(max_length=300)
    feature = models.CharField(max_length=300)
    count = models.FloatField()
    source = models.CharField(max_length=60)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "accounts_usage_detail"


class FxRate(TenantModel):
    """What one unit of `currency` is worth in the tenant's reporting currency, from `day` on (DECISIONS 26)."""

    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "currency", "day"], name="fx_rate_once_a_day"),
            models.CheckConstraint(name="fx_rate_is_positive", condition=Q(rate__gt=0)),
        ]
