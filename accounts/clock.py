"""The day that countdowns run from: the tenant's newest scored day, which scoring provides (DECISIONS 26)."""

from collections.abc import Callable
from datetime import date

from django.utils import timezone

from tenants.models import Tenant

_provider: Callable[[Tenant], date | None] | None = None


def set_provider(provider: Callable[[Tenant], date | None]) -> None:
    global _provider
    _provider = provider


def as_of(tenant: Tenant) -> date:
    """The tenant's newest scored day; today while nothing was scored."""
    day = _provider(tenant) if _provider else None
    return day or timezone.now().date()
