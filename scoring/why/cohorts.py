"""The account among others like it: rank, and whether it moved alone or with them. One statement, nothing stored.

The others are those that the viewer may see: with hidden ones among them, the ranks and medians of many pages together
would give one of those away.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from accounts.models import Account
from scoring.outcomes.notes import scope_words
from scoring.outcomes.queries import seen_sql
from tenants.access import Right, can
from tenants.models import Membership, Tenant

LEAST = 10  # other customers; fewer would tell about each of them
FALL = 2.0  # points in 30 days that are worth a word: of health that fell, of a chance that rose
SHARED = (
    0.5  # of the account's own move: when the median of the others is at least this much, they moved with it
)
KINDS = {"industry": "Industry", "segment": "Size", "plan": "Plan", "tenure": "Time as a customer"}
TENURES = ("under a year", "one to three years", "over three years")

_BAND = "CASE WHEN h.as_of - a.customer_since < 365 THEN 0 WHEN h.as_of - a.customer_since < 1095 THEN 1 ELSE 2 END"
_ROWS = f"""
SELECT h.account_id, h.as_of, h.health, h.p90, h.delta_30, h.p90_delta_30, a.industry, a.segment, a.plan,
       CASE WHEN a.customer_since IS NOT NULL THEN {_BAND} END AS tenure
  FROM scoring_accounthealth h JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
 WHERE h.tenant_id = %(tenant)s AND a.id IN ({{seen}})
"""  # noqa: S608  constants of this file
_COHORTS = f"""
WITH everybody AS ({_ROWS}), me AS (SELECT * FROM everybody WHERE account_id = %(account)s)
SELECT k.kind, k.name, me.as_of, me.health, me.delta_30, me.p90, me.p90_delta_30,
       count(o.health), count(*) FILTER (WHERE o.health < me.health), count(*) FILTER (WHERE o.health = me.health),
       count(o.delta_30), percentile_cont(0.5) WITHIN GROUP (ORDER BY o.delta_30),
       count(o.p90), count(*) FILTER (WHERE o.p90 < me.p90), count(*) FILTER (WHERE o.p90 = me.p90),
       count(o.p90_delta_30), percentile_cont(0.5) WITHIN GROUP (ORDER BY o.p90_delta_30)
  FROM me
 CROSS JOIN LATERAL (VALUES ('industry', me.industry), ('segment', me.segment), ('plan', me.plan),
                            ('tenure', me.tenure::text)) AS k(kind, name)
  LEFT JOIN everybody o ON o.account_id <> me.account_id AND o.as_of = me.as_of AND k.name = CASE k.kind
       WHEN 'industry' THEN o.industry WHEN 'segment' THEN o.segment WHEN 'plan' THEN o.plan ELSE o.tenure::text END
 WHERE k.name <> ''
 GROUP BY k.kind, k.name, me.as_of, me.health, me.delta_30, me.p90, me.p90_delta_30
"""  # noqa: S608


@dataclass(frozen=True)
class Rank:
    """Where a figure stands among n others: the share of them below it, those with the same counting half."""

    n: int
    below: int
    same: int

    @property
    def share(self) -> float | None:
        return (self.below + self.same / 2) / self.n if self.n >= LEAST else None


@dataclass(frozen=True)
class Move:
    """The account's own move in 30 days beside the median of n others'; for a chance it is the rise that is bad."""

    own: float | None
    n: int
    median: float | None
    rise_is_bad: bool = False

    @property
    def is_shown(self) -> bool:
        return self.n >= LEAST and self.median is not None

    @property
    def verdict(self) -> str:
        """`own`, `shared`, or empty where it did not get worse or too few others are known."""
        if self.own is None or self.median is None or not self.is_shown:
            return ""
        sign = 1 if self.rise_is_bad else -1
        worse, theirs = sign * self.own, sign * self.median
        if worse < FALL:
            return ""
        return "shared" if theirs >= SHARED * worse else "own"


@dataclass(frozen=True)
class Cohort:
    """Other customers with the same industry, size, plan or time as a customer."""

    kind: str
    name: str
    health: Rank
    moved: Move
    chance: Rank
    chance_moved: Move  # in points of a hundred; a rise is bad

    @property
    def label(self) -> str:
        return KINDS[self.kind]


def cohorts_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """One statement."""
    seen, values = seen_sql(tenant, viewer)
    with connection.cursor() as cursor:
        cursor.execute(
            _COHORTS.replace("{seen}", seen), {"tenant": tenant.pk, "account": account.pk, **values}
        )
        rows = {row[0]: row for row in cursor.fetchall()}
    found = [_cohort(rows[kind]) for kind in KINDS if kind in rows]
    any_row = next(iter(rows.values()), None)
    day: date | None = any_row[2] if any_row else None
    return {
        "cohorts": found,
        "as_of": day,
        "has_chances": any(each.chance.n for each in found),
        "least": LEAST,
        "scope": scope_words(viewer),
        "sees_curves": can(viewer, Right.VIEW_OUTCOMES),
        "delta": any_row[4] if any_row else None,
        "chance_delta": 100 * any_row[6] if any_row and any_row[6] is not None else None,
    }


def _cohort(row: tuple[Any, ...]) -> Cohort:
    kind, name, _, health, delta, p90, p90_delta, *figures = row
    n, below, same, n_moved, median, n_p, p_below, p_same, n_p_moved, p_median = figures
    return Cohort(
        kind=kind,
        name=TENURES[int(name)] if kind == "tenure" else name,
        health=Rank(n if health is not None else 0, below, same),
        moved=Move(
            None if delta is None else float(delta), n_moved, None if median is None else float(median)
        ),
        chance=Rank(n_p if p90 is not None else 0, p_below, p_same),
        chance_moved=Move(
            None if p90_delta is None else 100 * float(p90_delta),
            n_p_moved,
            None if p_median is None else 100 * float(p_median),
            rise_is_bad=True,
        ),
    )
