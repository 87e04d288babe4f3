"""How much a tenant used, may use, and what it costs. In the kernel, so that jobs may ask before they take on work.

Apps register their meters at start-up; a meter counts rows that are there anyway, or reads a counter (`count`). Whoever
takes on work calls `check` first: it costs one query, and a second one only where a quota is set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from tenants.models import Tenant
from tenants.quota_models import Quota, UsageCounter

BySource = dict[str, int]


@dataclass(frozen=True)
class Meter:
    """One thing that is counted. `by_source(tenant, month)` gives what each source used since the month's first."""

    key: str
    label: str
    unit: str  # as in "rows", after a number
    by_source: Callable[[Tenant, date], BySource]
    help: str = ""
    monthly: bool = True
    refused: str = ""  # what happens over the quota, in words for the page
    per: int = 1000  # what a unit price is usually for
    order: int = 50
    has_quota: bool = True  # False: counted and priced, never refused


class QuotaExceeded(Exception):
    """Over the quota: the message names it, what is used, the limit, and the cure."""

    def __init__(self, meter: Meter, *, used: int, limit: int, wanted: int) -> None:
        self.meter, self.used, self.limit, self.wanted = meter, used, limit, wanted
        super().__init__(_in_words(meter, used, limit, wanted))


def _in_words(meter: Meter, used: int, limit: int, wanted: int) -> str:
    span = " this month" if meter.monthly else ""
    when = "wait for the next month, or " if meter.monthly else "remove what is no longer needed, or "
    more = f", and this needs {shown(meter, wanted)} more" if wanted > 1 else ""
    return (
        f"The quota “{meter.label}” is used up: {shown(meter, used)} of {shown(meter, limit)} "
        f"{meter.unit}{span}{more}. To go on, {when}ask an operations admin to raise it under Admin, Quotas."
    )


def shown(meter: Meter, number: int) -> str:
    """A number as people read it; bytes by the thousand million."""
    if meter.unit != "bytes" or number < 10**6:
        return f"{number:,}"
    return f"{number / 10**9:,.1f} G" if number >= 10**9 else f"{number / 10**6:,.1f} M"


meters: dict[str, Meter] = {}


def register(meter: Meter) -> None:
    """Add one meter, or replace the one of that key. Call it in AppConfig.ready."""
    meters[meter.key] = meter
    in_order = sorted(meters.values(), key=lambda each: (each.order, each.key))
    meters.clear()
    meters.update((each.key, each) for each in in_order)


def this_month() -> date:
    """The first of the month, in UTC for every tenant, as the quotas reckon."""
    return timezone.now().date().replace(day=1)


def span(month: date) -> tuple[datetime, datetime]:
    """From its first moment to the first of the next, in UTC."""
    after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime.combine(month, time.min, tzinfo=UTC), datetime.combine(after, time.min, tzinfo=UTC)


def limits(tenant: Tenant) -> dict[str, int]:
    """By meter; a row of one that refuses nothing, set before that was known, limits nothing."""
    rows = Quota.objects.for_tenant(tenant).values_list("meter", "limit")
    return {key: limit for key, limit in rows if key in meters and meters[key].has_quota}


def limit_of(tenant: Tenant, meter: str) -> int | None:
    return Quota.objects.for_tenant(tenant).filter(meter=meter).values_list("limit", flat=True).first()


def used(tenant: Tenant, meter: str) -> int:
    return sum(meters[meter].by_source(tenant, this_month()).values())


def refusal(tenant: Tenant, meter: str, wanted: int) -> QuotaExceeded | None:
    """Why `wanted` more cannot be taken on, or None. Needs the tenant's transaction."""
    if meter not in meters or not meters[meter].has_quota:
        return None
    limit = limit_of(tenant, meter)
    if limit is None:
        return None
    so_far = used(tenant, meter)
    if so_far + wanted <= limit:
        return None
    return QuotaExceeded(meters[meter], used=so_far, limit=limit, wanted=wanted)


def check(tenant: Tenant, meter: str, wanted: int) -> None:
    """Raises QuotaExceeded where `wanted` more would pass the quota."""
    over = refusal(tenant, meter, wanted)
    if over is not None:
        raise over


# --- counters, for what leaves no row ------------------------------------------------------------

_COUNT = """
INSERT INTO tenants_usagecounter AS kept (tenant_id, month, meter, source, used) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, month, meter, source) DO UPDATE SET used = kept.used + EXCLUDED.used
"""


def count(tenant: Tenant, meter: str, *, source: str, number: int = 1) -> None:
    """Raise a counter. Its row stays locked until the transaction ends: give it a short one of its own."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [tenant.pk, this_month(), meter, source[:300], number])


def counted(meter: str) -> Callable[[Tenant, date], BySource]:
    """`by_source` of a meter that `count` raises."""

    def by_source(tenant: Tenant, month: date) -> BySource:
        rows = UsageCounter.objects.for_tenant(tenant).filter(meter=meter, month=month)
        return dict(rows.values_list("source", "used"))

    return by_source
