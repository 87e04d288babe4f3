"""Reads of the renewals page: figures by quarter and group, the terms behind them, targets and what is committed."""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery

from accounts.queries import visible_accounts
from scoring.growth import quarters, statements
from scoring.growth.models import GrowthReport, RenewalForecast, RenewalTarget
from scoring.outcomes.queries import seen_sql, shown_name
from scoring.outcomes.stake import stake_of
from tenants.access import sees_everything as sees_everything
from tenants.models import Membership, Tenant

GROUPS = {"segment": "Segment", "region": "Region"}
Z80 = 1.2815515655446004  # 90 % quantile of the normal distribution
PAGE = 25
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a quarter's first day, the column to group by, filters on the two columns."""

    quarter: date
    by: str = "segment"
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        return {"quarter": str(self.quarter), "by": self.by, **self.chosen}


@dataclass(frozen=True)
class Cell:
    """Figures of one quarter, or of one group in it. Amounts in the tenant's currency."""

    quarter: date
    name: str
    terms: int
    accounts: int
    arr: Decimal
    expected: Decimal
    judged: Decimal  # ARR of the terms that are expected: those with a chance and a rate
    unknown: int
    unrated: int
    low: float | None  # 80 % interval
    high: float | None
    is_simulated: bool  # False: the interval is a normal approximation of the simulation

    by: str = "segment"

    @property
    def label(self) -> str:
        return quarters.named(self.quarter)

    @property
    def group(self) -> str:
        return shown_name(self.by, self.name)


def report(tenant: Tenant) -> GrowthReport | None:
    return GrowthReport.objects.for_tenant(tenant).first()


def forecasts(tenant: Tenant, as_of: date) -> dict[date, RenewalForecast]:
    """That day's forecasts by quarter, each with the tenant's `target` for it; one statement."""
    target = RenewalTarget.objects.for_tenant(tenant).filter(quarter=OuterRef("quarter")).values("amount")[:1]
    rows = RenewalForecast.objects.for_tenant(tenant).filter(as_of=as_of).order_by("quarter")
    rows = rows.annotate(target=Subquery(target))
    return {row.quarter: row for row in rows}


def cells(
    tenant: Tenant,
    viewer: Membership,
    made: dict[date, RenewalForecast],
    asked: Asked,
    as_of: date,
    *,
    by_money: bool,
) -> tuple[dict[date, Cell], list[Cell], list[str]]:
    """(figures of each quarter, groups of the quarter asked for, currencies without a rate); one statement."""
    order = statements.GROUPS_BY_MONEY if by_money else statements.GROUPS_BY_NAME
    lines = _rows(*_filled(statements.SUMS.replace("{order}", order), tenant, viewer, asked, as_of))
    is_all = not asked.chosen and sees_everything(viewer)
    whole, groups, missing = {}, [], set()
    for line in lines:
        cell = _cell(line, made[line["quarter"]], asked.by, is_all=is_all)
        missing |= set(line["missing"] or [])
        if line["is_whole"]:
            whole[cell.quarter] = cell
        elif cell.quarter == asked.quarter:
            groups.append(cell)
    return whole, groups, sorted(missing)


def _cell(line: Row, forecast: RenewalForecast, by: str, *, is_all: bool) -> Cell:
    """The simulated interval where the job made one of exactly these terms, else its normal approximation."""
    figures = forecast.figures
    kept = figures["all"] if line["is_whole"] else figures[by].get(line["name"])
    if is_all and kept:
        low, high = kept["intervals"]["80"]
    else:
        low, high = _approximate(line, figures["all"]["common"])
    if not forecast.model_version or not line["judged"]:  # no term with a chance and a rate
        low = high = None
    names = ("quarter", "terms", "accounts", "arr", "expected", "judged", "unknown", "unrated")
    return Cell(
        **{name: line[name] for name in names},
        name=line["name"] or "",
        by=by,
        low=low,
        high=high,
        is_simulated=bool(is_all and kept),
    )


def _approximate(line: Row, common: float) -> tuple[float, float]:
    expected = float(line["expected"])
    half = Z80 * math.sqrt(max(line["luck"], 0.0) + (common * line["slope"]) ** 2)
    return max(expected - half, 0.0), min(expected + half, float(line["judged"]))


@dataclass(frozen=True)
class Page:
    """Some of the terms of one quarter; the sums are those of all of them."""

    rows: list[Row]
    total: int
    arr: Decimal
    expected: Decimal
    after: int | None

    @property
    def first(self) -> int:
        return self.rows[0]["place"] if self.rows else 0

    @property
    def last(self) -> int:
        return self.rows[-1]["place"] if self.rows else 0


def terms(
    tenant: Tenant,
    viewer: Membership,
    asked: Asked,
    as_of: date,
    *,
    after: int | None,
    limit: int,
    by_money: bool,
) -> Page:
    """One page of the terms behind the quarter's figures, the largest first; one statement."""
    order = statements.BY_MONEY if by_money else statements.BY_DAY
    statement, values = _filled(statements.ROWS.replace("{order}", order), tenant, viewer, asked, as_of)
    found = _rows(statement, {**values, "after": after, "limit": limit + 1})
    more, found = len(found) > limit, found[:limit]
    if not found:
        return Page([], 0, Decimal(0), Decimal(0), None)
    head = found[0]
    return Page(
        found, head["total"], head["sum_arr"], head["sum_expected"], found[-1]["id"] if more else None
    )


def beside(tenant: Tenant, viewer: Membership, asked: Asked, as_of: date) -> Row:
    """What stands beside the forecast, of the accounts that the filters let through; one statement.

    `committed` by salespeople for the quarter, in so many `opportunities`, some `without_rate`; and what is at stake:
    `at_stake` with its interval, and how many accounts are `unrated` and `unknown`.
    """
    statement, values = _filled(statements.BESIDE, tenant, viewer, asked, as_of)
    values |= {
        "currency": tenant.currency, "first": asked.quarter, "end": quarters.following(asked.quarter),
        "day_at": datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC),
    }  # fmt: skip
    row = _rows(statement, values)[0]
    told = json.loads(row["told"]) if isinstance(row["told"], str) else row["told"]
    return row | {"at_stake": stake_of(row, told)}


def targets(made: dict[date, RenewalForecast], viewer: Membership, asked: Asked) -> dict[date, Decimal]:
    """What the workspace wants, by quarter; nothing for a part of it, whose share nobody has set."""
    if asked.chosen or not sees_everything(viewer):
        return {}
    wanted = {quarter: getattr(row, "target", None) for quarter, row in made.items()}
    return {quarter: amount for quarter, amount in wanted.items() if amount is not None}


def choices(tenant: Tenant, viewer: Membership) -> dict[str, list[str]]:
    """What the filters offer; one statement."""
    seen = visible_accounts(tenant, viewer).filter(customer_since__isnull=False).order_by()
    pairs = list(seen.values_list(*GROUPS).distinct())
    return {name: sorted({pair[at] for pair in pairs if pair[at]})[:200] for at, name in enumerate(GROUPS)}


def _filled(statement: str, tenant: Tenant, viewer: Membership, asked: Asked, as_of: date) -> tuple[str, Row]:
    seen, values = seen_sql(tenant, viewer)
    for mark, table in (("{chosen}", "t"), ("{chosen_account}", "a")):
        chosen = "".join(f" AND {table}.{name} = %({name})s" for name in GROUPS if name in asked.chosen)
        statement = statement.replace(mark, chosen)
    filled = statement.replace("{by}", asked.by).replace("{seen}", seen)
    return filled, {"tenant": tenant.pk, "day": as_of, "quarter": asked.quarter, **asked.chosen, **values}


def _rows(statement: str, values: Row) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
