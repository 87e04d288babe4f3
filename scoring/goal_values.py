"""What the customer wanted, how far usage has come, and what it was worth: the panel of value realised."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts import clock
from accounts.models import Account
from scoring import queries
from scoring.catalogue import BY_KEY
from scoring.catalogue.base import stretches
from scoring.features.statements.outcomes import WORTH
from scoring.features.statements.progress import measured
from scoring.windows import IN_FORCE
from tenants.models import Membership, Tenant

SHOWN = 12  # objectives in the table; the sum is of all

PROGRESS, REALISED = "outcomes.objective_progress", "outcomes.value_realised"


def _days(key: str) -> str:
    """The window in force of an indicator, looked up in the statement itself: these panels have none to spare."""
    return (
        f"coalesce((SELECT w.window_days FROM ({IN_FORCE}) w WHERE w.indicator = '{key}'), "  # noqa: S608  (our keys)
        f"{BY_KEY[key].window_days})::int"
    )


def _in_force(statement: str) -> str:
    for key in (PROGRESS, REALISED):
        statement = statement.replace(f"%({key})s", _days(key))
    return statement


# the same text that scores progress, so that the panel and the indicator cannot say different things
_GOALS = _in_force(
    measured("TRUE")
    + f"""
SELECT o.name, o.metric, o.usage_metric, coalesce(m.baseline, o.baseline::numeric), m.level, o.target::numeric,
       m.progress, o.expected_value, CASE WHEN o.achieved_at < %(start)s THEN o.value_realized::numeric END, o.due_at,
       CASE WHEN o.achieved_at < %(start)s THEN o.achieved_at END, coalesce({WORTH}, false), %({PROGRESS})s,
       %({REALISED})s
FROM accounts_objective o
LEFT JOIN measured m ON m.id = o.id
WHERE o.tenant_id = %(tenant)s AND o.account_id BETWEEN %(first)s AND %(last)s AND o.declared_at < %(start)s
ORDER BY (o.achieved_at < %(start)s) IS TRUE, CASE WHEN o.achieved_at < %(start)s THEN o.achieved_at END DESC,
         o.due_at, o.id
"""  # noqa: S608  (constants of our own modules)
)


@dataclass(frozen=True)
class Goal:
    """One objective as it stood on a day. Levels are in the metric's unit, money in the account's currency."""

    name: str
    metric: str
    usage_metric: str  # empty: nothing measures it
    baseline: Decimal | None
    level: Decimal | None  # mean of the last `level_days`
    target: Decimal | None
    progress: Decimal | None  # 0 to 1
    expected: Decimal | None
    realised: Decimal | None
    due_at: datetime | None
    achieved_at: datetime | None
    counts: bool  # in the share of value realised
    level_days: int  # windows in force: of the level, and of what counts
    worth_days: int

    @property
    def percent(self) -> Decimal | None:
        return None if self.progress is None else self.progress * 100


@dataclass(frozen=True)
class Worth:
    """Sums over the objectives that count, as the indicator of value realised has them."""

    expected: Decimal
    realised: Decimal
    objectives: int
    days: int  # of which these are

    @property
    def span(self) -> str:
        return stretches(self.days)["span"]

    @property
    def percent(self) -> Decimal | None:
        return self.realised / self.expected * 100 if self.expected > 0 else None


def goals(tenant: Tenant, account: Account, *, day: date) -> list[Goal]:
    """Every objective declared before `day`, the open ones first; one query."""
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "first": account.pk,
        "last": account.pk,
        "day": day,
        "start": datetime.combine(day, time(), UTC),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GOALS, values)
        return [Goal(*row) for row in cursor.fetchall()]


def worth(found: list[Goal]) -> Worth:
    """What counts: reached in the window with a known value, or fallen due in it and not reached (realised nothing)."""
    counted = [goal for goal in found if goal.counts]
    return Worth(
        expected=sum((goal.expected or Decimal(0) for goal in counted), Decimal(0)),
        realised=sum((goal.realised or Decimal(0) for goal in counted), Decimal(0)),
        objectives=len(counted),
        days=found[0].worth_days if found else BY_KEY[REALISED].window_days,
    )


def value_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """The panel's context; three queries."""
    day = clock.as_of(tenant)
    found = goals(tenant, account, day=day)
    standing = queries.account_health(tenant, account_id=account.pk)
    return {
        "goals": found[:SHOWN],
        "more": max(len(found) - SHOWN, 0),
        "level_days": found[0].level_days if found else BY_KEY[PROGRESS].window_days,
        "worth": worth(found),
        "currency": standing.currency if standing else "",
        "as_of": day,
    }
