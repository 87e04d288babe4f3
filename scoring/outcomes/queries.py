"""Reads of the outcomes page: totals with their groups in one statement, the rows behind a figure, the trend."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from accounts.models import Account
from accounts.queries import visible_accounts
from scoring.clock import utc_today
from scoring.models import ScoreRun
from scoring.outcomes import statements
from scoring.outcomes.models import OutcomeTarget
from scoring.outcomes.periods import Period, midnight
from scoring.queries import newest_run
from tenants.models import Membership, Tenant

GROUPS = {"segment": "Segment", "plan": "Plan", "region": "Region", "industry": "Industry"}
Row = dict[str, Any]
_SEGMENTS = dict(Account.Segment.choices)


def shown_name(column: str, value: str) -> str:
    """How a value of one of the four columns reads: segments have names of their own."""
    return str(_SEGMENTS.get(value, value)) if column == "segment" else value


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the period, the column to group by, and filters on the four columns."""

    period: Period
    known: date  # facts before this day are known; countdowns run from it
    by: str = "segment"
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        return {**self.period.query, "by": self.by, **self.chosen}


def known_until(run: ScoreRun | None) -> date:
    """The day before which the page knows facts: the newest scored day, else today."""
    return run.as_of if run is not None else utc_today()


def last_run(tenant: Tenant) -> ScoreRun | None:
    return newest_run(tenant)


def parameters(tenant: Tenant, asked: Asked) -> Row:
    period = asked.period
    return {
        "tenant": tenant.pk, "currency": tenant.currency, "start": period.start, "end": period.end,
        "start_at": midnight(period.start), "end_at": midnight(period.end), "known": asked.known, **asked.chosen,
    }  # fmt: skip


def with_seen(statement: str, tenant: Tenant, viewer: Membership, asked: Asked) -> tuple[str, Row]:
    """The statement with the accounts that the viewer may see and the filters let through, and its parameters."""
    seen, values = seen_sql(tenant, viewer)
    chosen = "".join(f" AND a.{name} = %({name})s" for name in GROUPS if name in asked.chosen)
    filled = statement.replace("{seen}", seen).replace("{chosen}", chosen)
    return filled, {**parameters(tenant, asked), **values}


def seen_sql(tenant: Tenant, viewer: Membership) -> tuple[str, Row]:
    """Ids of the accounts that the viewer may see, as a subquery with named parameters."""
    try:
        sql, values = visible_accounts(tenant, viewer).order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "SELECT NULL::bigint", {}
    names = [f"seen_{place}" for place in range(len(values))]
    parts = sql.split("%s")
    named = "".join(
        part + (f"%({name})s" if name else "") for part, name in zip(parts, [*names, ""], strict=True)
    )
    return named, dict(zip(names, values, strict=True))


def _rows(statement: str, values: Row) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def stake_told(run: ScoreRun | None) -> Row | None:
    """What the run stored of all that is at stake; None without chances, or from a run of an older release."""
    told: Row | None = run.summary.get("chances", {}).get("stake") if run is not None else None
    return told


def totals(
    tenant: Tenant, viewer: Membership, asked: Asked, *, told: Row | None = None
) -> tuple[Row, list[Row]]:
    """The sums over all accounts, and those of each group, each with what the run stored; one statement."""
    if asked.by not in GROUPS:
        raise ValueError(f"no column to group by: {asked.by}")
    statement = statements.FACTS + statements.TOTALS.replace("{group}", asked.by)
    total, *groups = (each | {"told": told} for each in _rows(*with_seen(statement, tenant, viewer, asked)))
    return total, groups


_OF_THE_PERIOD = re.compile(r"%\((start|end|start_at|end_at|known)\)s")


def totals_beside_last_year(
    tenant: Tenant, viewer: Membership, asked: Asked, *, told: Row | None = None
) -> tuple[Row, list[Row], Row]:
    """As `totals`, and the sums over all accounts of the same days a year before; one statement for both."""
    early = asked.period.year_ago
    before = Asked(early, early.end, asked.by, asked.chosen)
    ending = statements.TOTALS.replace("{group}", asked.by)
    now, values = with_seen(statements.FACTS + ending, tenant, viewer, asked)
    then = _OF_THE_PERIOD.sub(
        r"%(before_\1)s", with_seen(statements.FACTS + ending, tenant, viewer, before)[0]
    )
    values |= {f"before_{name}": value for name, value in parameters(tenant, before).items()}
    both = (
        f"SELECT false AS is_before, t.* FROM ({now}) t UNION ALL "  # noqa: S608  constants of `statements`
        f"SELECT true, u.* FROM ({then}) u WHERE u.is_total ORDER BY is_before, is_total DESC, name"
    )
    total, *rest = (each | {"told": told} for each in _rows(both, values))
    return total, rest[:-1], rest[-1] | {"told": None}


@dataclass(frozen=True)
class Page:
    """Some of the rows behind a figure; `sums` are those of all rows, whatever page it is."""

    rows: list[Row]
    first: int
    total: int
    sums: dict[str, Decimal]
    older: int | None

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def rows(
    tenant: Tenant, viewer: Membership, asked: Asked, *, where: str, order: str, summed: Iterable[str],
    after: int | None = None, limit: int,
) -> Page:  # fmt: skip
    """One page of the facts that satisfy `where` (a constant of `figures`), in its order; one statement."""
    names = list(summed)
    sums = ", ".join(f"(SELECT coalesce(sum({name}), 0) FROM kept) AS sum_{name}" for name in names)  # noqa: S608
    ending = (
        statements.ROWS.replace("{where}", where).replace("{order}", order).replace("{sums}", sums or "1")
    )
    statement, values = with_seen(statements.FACTS + ending, tenant, viewer, asked)
    found = _rows(statement, {**values, "after": after, "limit": limit + 1})
    more, found = len(found) > limit, found[:limit]
    if not found:
        return Page([], 0, 0, dict.fromkeys(names, Decimal(0)), None)
    return Page(
        found,
        found[0]["place"],
        found[0]["total"],
        {name: Decimal(found[0][f"sum_{name}"]) for name in names},
        found[-1]["id"] if more else None,
    )


@dataclass(frozen=True)
class Month:
    """One month of the trend: customers of its first day, those of them that left, and ARR on the day after it."""

    first: date
    next: date
    customers: int
    left: int
    arr: Decimal

    @property
    def churn(self) -> float | None:
        return self.left / self.customers if self.customers else None


def trend(tenant: Tenant, viewer: Membership, asked: Asked) -> list[Month]:
    """The twelve months up to the end of the period, oldest first; the last one may be cut by its end."""
    months = asked.period.months()
    # `customers` of the statement must reach back to the first month
    early = Asked(Period("custom", months[0], asked.period.end), asked.known, asked.by, asked.chosen)
    statement, values = with_seen(statements.TREND, tenant, viewer, early)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "months": months})
        return [Month(*row) for row in cursor.fetchall()]


def targets(tenant: Tenant) -> dict[str, Decimal]:
    """What the tenant aims at, by figure."""
    return dict(OutcomeTarget.objects.for_tenant(tenant).values_list("figure", "target"))


def choices(tenant: Tenant, viewer: Membership) -> dict[str, list[str]]:
    """What the filters offer: the values of the accounts that the viewer may see; one statement."""
    seen = visible_accounts(tenant, viewer).filter(customer_since__isnull=False).order_by()
    found: dict[str, set[str]] = {name: set() for name in GROUPS}
    for values in seen.values_list(*GROUPS).distinct():
        for name, value in zip(GROUPS, values, strict=True):
            if value:
                found[name].add(value)
    return {name: sorted(values)[:200] for name, values in found.items()}


def account_named(tenant: Tenant, viewer: Membership, *, account_id: int) -> Account | None:
    return visible_accounts(tenant, viewer).select_related("owner").filter(pk=account_id).first()
