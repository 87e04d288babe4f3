"""Usage by day, kept by month."""

from django.db import models

from accounts.models.account import Account


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
