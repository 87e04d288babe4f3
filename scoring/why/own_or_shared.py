"""Whether a change of health is the account's own or its cohort's: beside the median change of others like it, over
the same two scored days. One statement, nothing stored.

Figures are computed health without anybody's override, on both sides. Others: accounts with the same industry, size,
plan or time as a customer that have a figure on both days and that the viewer may see: with a hidden one among them,
many pages together would give its move away. Fewer than LEAST are not told of, or a median would tell about each of
them. Own and shared: docs/scoring.md, "Its own or its cohort's".
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Account
from config.templatetags.words import stored_word
from scoring.outcomes.queries import seen_sql, shown_name
from scoring.why.change_queries import Pair
from scoring.why.cohorts import FALL, KINDS, LEAST, SHARED, TENURES
from tenants.models import Membership, Tenant

STILL = 0.05  # points: no move in one decimal

_MOVES = """
WITH moves AS (
    SELECT now.account_id, now.health - was.health AS moved, a.industry, a.segment, a.plan,
           CASE WHEN a.customer_since IS NULL THEN NULL WHEN now.as_of - a.customer_since < 365 THEN '0'
                WHEN now.as_of - a.customer_since < 1095 THEN '1' ELSE '2' END AS tenure
      FROM scoring_health_snapshot was
      JOIN scoring_health_snapshot now ON now.tenant_id = was.tenant_id AND now.account_id = was.account_id
      JOIN accounts_account a ON a.tenant_id = was.tenant_id AND a.id = was.account_id
     WHERE was.tenant_id = %(tenant)s AND was.as_of = %(since)s AND was.run_id = %(since_run)s
       AND now.as_of = %(until)s AND now.run_id = %(until_run)s
       AND was.health IS NOT NULL AND now.health IS NOT NULL AND a.id IN ({seen})
), me AS (SELECT * FROM moves WHERE account_id = %(account)s)
SELECT k.kind, k.name, me.moved, count(o.moved), percentile_cont(0.5) WITHIN GROUP (ORDER BY o.moved),
       count(*) FILTER (WHERE o.moved <= me.moved), count(*) FILTER (WHERE o.moved >= me.moved)
  FROM me
 CROSS JOIN LATERAL (VALUES ('industry', me.industry), ('segment', me.segment), ('plan', me.plan),
                            ('tenure', me.tenure)) AS k(kind, name)
  LEFT JOIN moves o ON o.account_id <> me.account_id AND k.name = CASE k.kind
       WHEN 'industry' THEN o.industry WHEN 'segment' THEN o.segment WHEN 'plan' THEN o.plan ELSE o.tenure END
 WHERE k.name <> ''
 GROUP BY k.kind, k.name, me.moved
"""


@dataclass(frozen=True)
class Beside:
    """The account's move beside that of n others of one cohort, in points of health."""

    kind: str
    name: str
    own: float
    n: int
    median: float | None
    as_much: int  # of the others: those that moved the same way at least as far

    @property
    def is_shown(self) -> bool:
        return self.n >= LEAST and self.median is not None

    @property
    def verdict(self) -> str:
        """`own`, `shared`, or empty where it hardly moved or too few others are known."""
        if self.median is None or not self.is_shown or abs(self.own) < FALL:
            return ""
        return "shared" if self.median / self.own >= SHARED else "own"

    @property
    def text(self) -> str:
        """The whole comparison as a sentence."""
        cohort = f"{KINDS[self.kind].lower()} {self.name}"
        if self.median is None or not self.is_shown:
            few = f"fewer than {LEAST} others that you may see ({cohort})"
            return f"{_moved(self.own)}; {few} have a figure on both days."
        ending = {"own": ": mostly its own", "shared": ": mostly its cohort's", "": ""}[self.verdict]
        middle = f"the middle account of its cohort ({cohort}, n = {self.n:,}) {_moved(self.median).lower()}"
        if abs(self.own) < STILL:
            return f"{_moved(self.own)}; {middle}."
        way = "fell" if self.own < 0 else "rose"
        many = f"{self.as_much:,}" if self.as_much else "None"
        return f"{_moved(self.own)}; {middle}{ending}. {many} of the {self.n:,} {way} at least as much."


def _moved(points: float) -> str:
    if abs(points) < STILL:
        return "Did not move"
    amount = f"{abs(points):.1f}".removesuffix(".0")
    return f"{'Fell' if points < 0 else 'Rose'} {amount} {'point' if amount == '1' else 'points'}"


def beside(tenant: Tenant, viewer: Membership, account: Account, found: Pair) -> list[Beside]:
    """A line for each cohort that the account is in, in the order of KINDS; empty without a figure on both days."""
    if found.first is None or found.last is None:
        return []
    was, now = found.first.snapshot, found.last.snapshot
    seen, values = seen_sql(tenant, viewer)
    parameters: dict[str, Any] = {
        "tenant": tenant.pk, "account": account.pk, "since": was.as_of, "since_run": was.run_id, "until": now.as_of,
        "until_run": now.run_id, **values,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MOVES.replace("{seen}", seen), parameters)
        rows = {row[0]: _line(*row) for row in cursor.fetchall()}
    return [rows[kind] for kind in KINDS if kind in rows]


def _line(kind: str, name: str, own: float, n: int, median: float | None, below: int, above: int) -> Beside:
    own = float(own)
    shown = (
        TENURES[int(name)] if kind == "tenure" else shown_name("segment", name) if kind == "segment" else name
    )
    return Beside(
        kind=kind, name=stored_word(shown) if kind == "plan" else str(shown), own=own, n=n,
        median=None if median is None else float(median), as_much=below if own < 0 else above,
    )  # fmt: skip
