"""Trials: what each has done, how it compares with past ones of its age, its chance to convert (docs/growth.md).

The score is a mean of ranks among past trials on the same day of their lives, so it needs no weights. The chance is the
share of past ones in the same third that converted within 30 days, drawn towards that of all (beta-binomial).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection

from scoring.engine.validation import hit_rates
from scoring.engine.validation.intervals import beta
from scoring.growth import trial_sql as sql
from scoring.growth.models import GrowthItem
from scoring.growth.words import LEAST, TRIAL_AGES, TRIAL_DONE
from tenants.models import Tenant

WITHIN = 30  # days in which a trial converts, or has not
THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class Point:
    """One trial on one day of its life. `won_after`: days until it converted, None: not yet; `done`: by indicator."""

    account_id: int
    runs: bool
    age: int
    began: date
    won_after: int | None
    seen: int
    done: dict[str, float]

    @property
    def has_won(self) -> bool:
        return self.won_after is not None and self.won_after < WITHIN


def renew(tenant: Tenant, as_of: date) -> dict[str, Any]:
    """Replace the day's items; figures of all trials. Runs in the caller's transaction."""
    points = [_point(row) for row in _rows(sql.POINTS, tenant, as_of)]
    running = [each for each in points if each.runs]
    now = {each.account_id for each in running}  # a trial is not compared with itself some days ago
    over = [each for each in points if each.seen >= WITHIN and each.account_id not in now]
    ages = {age: [each for each in over if each.age == age] for age in TRIAL_AGES}
    rates = {age: rates_of(past) for age, past in ages.items()}
    done = {age: done_by(past) for age, past in ages.items()}
    GrowthItem.objects.for_tenant(tenant).filter(kind=GrowthItem.Kind.TRIAL).delete()
    GrowthItem.objects.bulk_create(
        (_item(tenant, as_of, each, done, rates) for each in running), batch_size=1000
    )
    (ended, won, days) = _rows(sql.ENDED, tenant, as_of)[0]
    accounts, active, new, invites = _rows(sql.SPREAD, tenant, as_of)[0]
    return {
        "running": len(running), "ended": ended, "won": won, "days": days,
        "spread": {"accounts": accounts, "active": active, "new": new, "invites": invites},
        "ages": {str(age): {key: rate[key] for key in ("cases", "won", "why_not")} for age, rate in rates.items()},
    }  # fmt: skip


def _rows(statement: str, tenant: Tenant, as_of: date) -> list[Any]:
    at = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": tenant.pk, "day": as_of, "day_at": at})
        return list(cursor.fetchall())


def _point(row: Any) -> Point:
    done = {key: float(value) for key, value in zip(TRIAL_DONE, row[6:], strict=True) if value is not None}
    account, runs, age, began, won_after, seen = row[:6]
    return Point(account, runs, age, began, won_after, seen, done)


Done = dict[str, list[float]]  # what past trials had done, by indicator, sorted


def done_by(past: list[Point]) -> Done:
    return {key: sorted(each.done[key] for each in past if key in each.done) for key in TRIAL_DONE}


def score_of(point: Point, others: Done, *, is_one: bool = False) -> tuple[float, int] | None:
    """(0 to 100, past trials behind it): the mean rank of what it has done, among those of its age that tell the same;
    None with fewer than 20 of them. `is_one`: it is among them itself, and not compared with itself."""
    ranks, most = [], 0
    for key, value in point.done.items():
        values = others[key]
        n = len(values) - is_one
        if n >= LEAST:
            below = bisect_left(values, value)
            same = bisect_right(values, value) - below - is_one
            ranks.append(100 * (below + same / 2) / n)
            most = max(most, n)
    return (sum(ranks) / len(ranks), most) if ranks else None


def rates_of(past: list[Point]) -> dict[str, Any]:
    """How many of each third of score converted within 30 days, and why no chance may be shown of it if so."""
    done = done_by(past)
    scored = [(found[0], each) for each in past if (found := score_of(each, done, is_one=True)) is not None]
    scored.sort(key=lambda pair: (pair[0], pair[1].account_id))
    cuts = [scored[len(scored) * at // 3][0] for at in (1, 2)] if len(scored) >= 3 else [0.0, 0.0]
    groups: dict[str, list[Point]] = {name: [] for name in THIRDS}
    for score, each in scored:
        groups[third_of(score, cuts)].append(each)
    won = sum(each.has_won for _, each in scored)
    rarer = min(won, len(scored) - won)
    why_not = ""
    if rarer < LEAST:
        why_not = f"Of {len(scored)} past trials {won} converted; {LEAST} of each are needed for a chance."
    counts = {name: (sum(each.has_won for each in rows), len(rows)) for name, rows in groups.items()}
    told = hit_rates(counts)
    waits = {
        name: [each.won_after for each in rows if each.has_won and each.won_after is not None]
        for name, rows in groups.items()
    }
    return {
        "cases": len(scored), "won": won, "why_not": why_not, "cuts": cuts, "prior": told["prior"], "counts": counts,
        "chances": {name: told["groups"][name]["shrunken"] for name in THIRDS},
        "days": {name: median(days) if days else None for name, days in waits.items()},
    }  # fmt: skip


def third_of(score: float, cuts: list[float]) -> str:
    return THIRDS[sum(score >= cut for cut in cuts)]


def _item(
    tenant: Tenant, as_of: date, point: Point, done: dict[int, Done], rates: dict[int, Any]
) -> GrowthItem:
    age = max((each for each in TRIAL_AGES if each <= point.age), default=None)
    facts: dict[str, Any] = {
        "age": point.age,
        "began": str(point.began),
        "done": point.done,
        "score": None,
        "n": 0,
    }
    item = GrowthItem(tenant=tenant, kind=GrowthItem.Kind.TRIAL, account_id=point.account_id, facts=facts)
    if age is None:
        facts["why_not"] = f"In its first {TRIAL_AGES[0]} days: too early to compare."
        return item
    found = score_of(point, done[age])
    rate = rates[age]
    if found is None:
        facts["why_not"] = f"Fewer than {LEAST} past trials tell what theirs did by day {age}."
        return item
    facts |= {"score": round(found[0], 1), "n": found[1], "why_not": rate["why_not"]}
    if not rate["why_not"]:
        third = third_of(found[0], rate["cuts"])
        hits, cases = rate["counts"][third]
        prior = rate["prior"]
        item.pattern, item.hits, item.cases, item.chance = third, hits, cases, rate["chances"][third]
        item.low, item.high = beta(hits, cases, a=prior["a"], b=prior["b"], level=0.8)
        days = rate["days"][third]
        item.due = None if days is None else as_of + timedelta(days=round(days))
    return item
