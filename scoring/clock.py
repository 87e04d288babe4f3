"""Days as a tenant counts them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from tenants.models import Tenant


def tenant_today(tenant: Tenant) -> date:
    """Today's date where the tenant works."""
    return datetime.now(ZoneInfo(tenant.time_zone)).date()


def utc_today() -> date:
    """Today's date in UTC: days that are scored begin at 00:00 UTC."""
    return timezone.now().date()
