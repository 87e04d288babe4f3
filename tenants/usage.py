"""Usage against quota, and what it costs by source: for the page, its CSV and the API alike."""

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tenants import quotas
from tenants.models import Tenant
from tenants.quota_models import UnitPrice

MONTHS_BACK = 12


@dataclass(frozen=True)
class SourceLine:
    """What one source used of one meter, and its cost where there is a price."""

    source: str
    used: int
    shown: str
    cost: Decimal | None


@dataclass(frozen=True)
class MeterLine:
    """One meter: usage, quota, cost, and the sources behind it, the largest first."""

    meter: quotas.Meter
    used: int
    limit: int | None
    sources: list[SourceLine]

    @property
    def shown(self) -> str:
        return quotas.shown(self.meter, self.used)

    @property
    def shown_limit(self) -> str:
        return "" if self.limit is None else quotas.shown(self.meter, self.limit)

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.used >= self.limit

    @property
    def tone(self) -> str:
        """As bands are named: full, nearly full, or fine."""
        if self.limit is None or self.used < 0.8 * self.limit:
            return "good"
        return "crit" if self.is_over else "watch"

    @property
    def cost(self) -> Decimal | None:
        costs = [each.cost for each in self.sources if each.cost is not None]
        return sum(costs, Decimal(0)) if costs else None


def lines(tenant: Tenant, month: date) -> list[MeterLine]:
    """Every meter, in its order: one or two queries each, whatever the number of rows."""
    limits = quotas.limits(tenant)
    prices = {(row.meter, row.source): row for row in UnitPrice.objects.for_tenant(tenant)}
    return [_line(tenant, each, month, limits.get(each.key), prices) for each in quotas.meters.values()]


def _line(
    tenant: Tenant,
    meter: quotas.Meter,
    month: date,
    limit: int | None,
    prices: dict[tuple[str, str], UnitPrice],
) -> MeterLine:
    found = sorted(meter.by_source(tenant, month).items(), key=lambda pair: (-pair[1], pair[0]))
    sources = [
        SourceLine(source, used, quotas.shown(meter, used), _cost(used, _price(prices, meter, source)))
        for source, used in found
    ]
    return MeterLine(meter, sum(each.used for each in sources), limit, sources)


def _price(prices: dict[tuple[str, str], UnitPrice], meter: quotas.Meter, source: str) -> UnitPrice | None:
    return prices.get((meter.key, source)) or prices.get((meter.key, ""))


def _cost(used: int, price: UnitPrice | None) -> Decimal | None:
    return None if price is None else (price.price * used / price.per).quantize(Decimal("0.01"))


def month_from(text: str) -> date | None:
    """The month that an address names as 2026-11: this one, or one of the twelve before; else None."""
    now = quotas.this_month()
    return now if not text else next((each for each in months() if f"{each:%Y-%m}" == text), None)


def months() -> list[date]:
    """This month and those before it that can be shown."""
    found = [quotas.this_month()]
    while len(found) <= MONTHS_BACK:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def as_csv(tenant: Tenant, month: date, rows: list[MeterLine]) -> str:
    """One line a meter and source. A source is a name that somebody typed, so no cell may begin a formula."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["month", "meter", "source", "used", "unit", "quota", "cost", "currency"])
    for line in rows:
        for each in line.sources or [SourceLine("", 0, "0", None)]:
            limit = "" if line.limit is None else line.limit
            cost = "" if each.cost is None else each.cost
            table.writerow(
                [f"{month:%Y-%m}", line.meter.key, _safe(each.source), each.used, line.meter.unit, limit, cost,
                 tenant.currency if cost else ""]
            )  # fmt: skip
    return out.getvalue()


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def as_json(tenant: Tenant, month: date, rows: list[MeterLine]) -> dict[str, Any]:
    return {
        "tenant": tenant.slug,
        "month": f"{month:%Y-%m}",
        "currency": tenant.currency,
        "meters": [
            {
                "key": line.meter.key,
                "unit": line.meter.unit,
                "monthly": line.meter.monthly,
                "used": line.used,
                "quota": line.limit,
                "cost": None if line.cost is None else str(line.cost),
                "sources": [
                    {
                        "source": each.source,
                        "used": each.used,
                        "cost": None if each.cost is None else str(each.cost),
                    }
                    for each in line.sources
                ],
            }
            for line in rows
        ],
    }
