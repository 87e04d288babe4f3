"""Overrides against what happened: did people who set another number know better than the model?

An override says "worse" or "better" than the computed health. Its window is the 90 days after it was set; the customer
left in them or not. The share that left is laid beside the chance that the model gave the same customers on that day,
so that staying, which is usual, does not count as foresight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from scoring.learning.labels import start_of
from scoring.learning.quality.observed import share
from tenants.models import Tenant

WINDOW = 90
LEAST = 5  # closed windows of one author, below which nothing is told
NEAR = 14  # days before the override in which a chance still speaks of that day

_OVERRIDES = """
SELECT o.author_id, o.account_id, o.health, o.model_health, (o.created_at AT TIME ZONE 'UTC')::date AS day,
       (SELECT s.p90 FROM scoring_health_snapshot s
        JOIN scoring_scorerun r ON r.tenant_id = s.tenant_id AND r.id = s.run_id AND r.fingerprint <> ''
        WHERE s.tenant_id = o.tenant_id AND s.account_id = o.account_id
          AND s.as_of BETWEEN (o.created_at AT TIME ZONE 'UTC')::date - %(near)s
                          AND (o.created_at AT TIME ZONE 'UTC')::date
        ORDER BY s.as_of DESC, s.run_id DESC LIMIT 1),
       (SELECT min((e.effective_at AT TIME ZONE 'UTC')::date) FROM accounts_outcome e
        WHERE e.tenant_id = o.tenant_id AND e.account_id = o.account_id AND e.kind = 'churned'
          AND e.effective_at < %(start)s)
FROM scoring_override o
WHERE o.tenant_id = %(tenant)s AND o.created_at < %(start)s
ORDER BY o.created_at, o.id
"""


@dataclass(frozen=True)
class Case:
    """One override: what was said, the chance that stood beside it, and when the customer left, if ever."""

    author: int | None
    account: int
    health: float
    model_health: float | None
    day: date
    p: float | None
    left: date | None

    @property
    def side(self) -> str:
        """worse, better, or empty where there was nothing to differ from."""
        if self.model_health is None or self.health == self.model_health:
            return ""
        return "worse" if self.health < self.model_health else "better"

    @property
    def has_left(self) -> bool:
        return self.left is not None and self.day <= self.left < self.closes

    @property
    def closes(self) -> date:
        return self.day + timedelta(days=WINDOW)


def cases(tenant: Tenant, *, until: date) -> list[Case]:
    """Every override set before that day, oldest first. Needs the tenant's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERRIDES, {"tenant": tenant.pk, "start": start_of(until), "near": NEAR})
        return [
            Case(row[0], row[1], float(row[2]), _number(row[3]), row[4], _number(row[5]), row[6])
            for row in cursor.fetchall()
        ]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def scored(found: Sequence[Case], *, until: date) -> dict[str, Any]:
    """Authors with enough closed windows, and how many were not told of. Names are looked up by the page."""
    counted = _once(found)
    closed = [each for each in counted if each.closes <= until]
    still_open = [each.closes for each in counted if each.closes > until]
    by_author: dict[int | None, list[Case]] = {}
    for each in closed:
        by_author.setdefault(each.author, []).append(each)
    told = {author: mine for author, mine in by_author.items() if len(mine) >= LEAST}
    hidden = len(by_author) - len(told)
    untold = len(closed) - sum(len(mine) for mine in told.values())
    return {
        "needed": LEAST,
        "window": WINDOW,
        "closed": len(closed),
        "open": len(still_open),
        "next_closes": str(min(still_open)) if still_open else None,
        "without_side": sum(not each.side for each in found),
        "again": sum(1 for each in found if each.side) - len(counted),
        "hidden_authors": hidden,
        # not where it would tell, by subtraction, of the few who are hidden
        "all": _sides(closed) if closed and (not hidden or (hidden > 1 and untold >= LEAST)) else None,
        "authors": sorted(
            ({"author": author, "closed": len(mine), **_sides(mine)} for author, mine in told.items()),
            key=lambda each: (-each["closed"], each["author"] or 0),
        ),
    }


def _once(found: Sequence[Case]) -> list[Case]:
    """The same person on the same side of the same account within a window is one opinion: the first counts."""
    kept: list[Case] = []
    last: dict[tuple[int | None, int, str], Case] = {}
    for each in found:
        key = (each.author, each.account, each.side)
        if not each.side or (key in last and each.day < last[key].closes):
            continue
        last[key] = each
        kept.append(each)
    return kept


def _sides(mine: Sequence[Case]) -> dict[str, Any]:
    return {side: _side([each for each in mine if each.side == side], side) for side in ("worse", "better")}


def _side(mine: Sequence[Case], side: str) -> dict[str, Any]:
    """How many left, and beside those with a chance: what the model expected, and which of the two was nearer."""
    left = sum(each.has_left for each in mine)
    beside = [each for each in mine if each.p is not None]
    found = {
        "rate": share(left, len(mine)),
        "beside": len(beside),
        "left_beside": 0,
        "expected": None,
        "verdict": "none",
    }
    if not beside:
        return found
    expected = sum(each.p or 0.0 for each in beside)
    hits = sum(each.has_left for each in beside)
    return found | {
        "left_beside": hits,
        "expected": expected,
        "verdict": _verdict(hits, expected, len(beside), side),
    }


def _verdict(hits: int, expected: float, n: int, side: str) -> str:
    """knew: the interval of the share that left lies wholly on the person's side of the model's mean chance."""
    if n < LEAST:
        return "few"
    ends, said = share(hits, n), expected / n
    above, below = ends["low"] > said, ends["high"] < said
    if not above and not below:
        return "open"
    return "knew" if above == (side == "worse") else "wrong"
