"""The next milestone and objective of each customer: chance and date from weekly hazards, back-tested (docs/growth.md).

Four past days, 90 apart, each with a model learnt
from what was known on it; milestones and objectives apart, for their clocks differ. Due days and stages have no history
in an import and are taken as they stand.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import exp, inf, log
from typing import Any

import numpy as np
from django.db import connection

from scoring.engine import milestones as engine
from scoring.growth import lifecycle_sql as sql
from scoring.growth.lifecycle import (
    LEAST_ORIGINS,
    LEAST_REACHED,
    MILESTONE,
    OBJECTIVE,
    RENEWAL,
    STAGES,
    stage_of,
)
from scoring.growth.models import GrowthItem
from scoring.learning.stake import Z80, logit_sd_of
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

EPOCH = date(1970, 1, 1)
WINDOW = 90  # days between past days; all windows of a past day are over on the next one
KINDS = (*STAGES, "", OBJECTIVE)  # strata of the hazard; empty: a milestone of no stage that is known
NEVER = inf
MOST_OFF = 1.25  # reached to expected, by its 95 % interval: beyond it chances are not shown


@dataclass(frozen=True)
class Fact:
    """One milestone or objective; days as numbers, inf where there is none."""

    kind: int  # a place in KINDS
    name: str
    due: float
    reached: float
    told: float = -inf  # an objective is known from its own day on, a milestone always


@dataclass
class Customer:
    account_id: int
    since: float
    left: float
    renewal: date | None
    p_renew: float | None
    milestones: list[Fact] = field(default_factory=list)
    objectives: list[Fact] = field(default_factory=list)
    leaves: tuple[float, float] | None = None  # 80 % interval of the chance to leave within 90 days

    @property
    def renews(self) -> tuple[float, float] | tuple[None, None]:
        """The 80 % interval of `p_renew`: as far on the log-odds as that of the chance within 90 days is wide, which is
        how the sums of renewals take it. None for a notice that stands, whose chance is 0.
        """
        if self.p_renew is None or self.leaves is None or not 0 < self.p_renew < 1:
            return None, None
        half = Z80 * float(logit_sd_of(*(np.array([each]) for each in self.leaves))[0])
        odds = log(self.p_renew / (1 - self.p_renew))
        return 1 / (1 + exp(half - odds)), 1 / (1 + exp(-half - odds))

    def is_there(self, day: float) -> bool:
        return self.since < day <= self.left


@dataclass(frozen=True)
class Wait:
    """What an account waited for, from when on; the days may lie after the day of the look.

    `ended`: the account left, or a later milestone was reached first, so that nobody waits for this one any more.
    """

    account_id: int
    began: float
    ended: float
    fact: Fact

    @property
    def reached(self) -> float:
        return self.fact.reached if self.fact.reached <= self.ended else NEVER

    def is_open(self, day: float) -> bool:
        return self.began < day <= min(self.reached, self.ended)


Told = tuple[Wait, dict[str, Any]]  # with what was foretold of it, empty: nothing is shown


def renew(tenant: Tenant, as_of: date) -> dict[str, Any]:
    """Replace the day's items; the reports on milestones and on objectives. Nothing is open while it calculates."""
    with tenant_transaction(tenant.pk):
        customers = _read(tenant, as_of)
    reports, found = _foretell(customers, as_of)
    with tenant_transaction(tenant.pk):
        _replace(tenant, as_of, customers, found)
    return reports


def _foretell(customers: list[Customer], as_of: date) -> tuple[dict[str, Any], list[Told]]:
    """Both reports, and each open wait with what is shown of it."""
    day = float((as_of - EPOCH).days)
    found: list[Told] = []
    reports = {}
    for which in (MILESTONE, OBJECTIVE):
        reports[which] = backtest(customers, day, which)
        waits = [wait for each in customers if each.is_there(day) for wait in open_waits(each, day, which)]
        told: list[dict[str, Any]] = [{}] * len(waits)
        if reports[which]["is_shown"] and waits:
            fitted = _fit(customers, day, which)
            told = list(_told(engine.foretell(fitted, _stack(waits, day), day=day), as_of))
        found += zip(waits, told, strict=True)
    return reports, found


# --- reading ------------------------------------------------------------------------------------


def _rows(statement: str, tenant: Tenant, as_of: date) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": tenant.pk, "day": as_of})
        return list(cursor.fetchall())


def _read(tenant: Tenant, as_of: date) -> list[Customer]:
    found = {
        account: Customer(
            account,
            float((since - EPOCH).days),
            _day(left),
            renewal,
            None if p is None else float(p),
            leaves=None if low is None or high is None else (float(low), float(high)),
        )
        for account, since, left, renewal, p, low, high in _rows(sql.CUSTOMERS, tenant, as_of)
    }
    for account, stage, name, due, reached in _rows(sql.MILESTONES, tenant, as_of):
        if account in found:
            kind = KINDS.index(stage if stage in STAGES else "")
            found[account].milestones.append(Fact(kind, name, _day(due), _day(reached)))
    for account, name, due, reached, told in _rows(sql.OBJECTIVES, tenant, as_of):
        if account in found:
            fact = Fact(KINDS.index(OBJECTIVE), name, _day(due), _day(reached), float(told))
            found[account].objectives.append(fact)
    return list(found.values())


def _day(number: Any) -> float:
    return NEVER if number is None else float(number)


# --- what was waited for ------------------------------------------------------------------------


def all_waits(customer: Customer, day: float, which: str) -> Iterator[Wait]:
    """Every wait that had begun before the day: milestones one after another, each objective by itself."""
    until = min(day, customer.left)
    if which == MILESTONE:
        yield from _in_order(customer, until)
        return
    for fact in customer.objectives:
        began = max(customer.since, fact.told)
        if began < until and fact.reached > began:
            yield Wait(customer.account_id, began, customer.left, fact)


def _in_order(customer: Customer, until: float) -> Iterator[Wait]:
    """The one behind the last that was reached is waited for, until it or one behind it is reached."""
    facts, began = customer.milestones, customer.since
    place = max((at for at, fact in enumerate(facts) if fact.reached <= began), default=-1) + 1
    while place < len(facts) and began < until:
        day = min(fact.reached for fact in facts[place:])
        yield Wait(customer.account_id, began, min(day, customer.left), facts[place])
        if day == NEVER:
            return
        # what was reached in the same moment was not waited for
        began, place = day, max(at for at, fact in enumerate(facts) if fact.reached <= day) + 1


def open_waits(customer: Customer, day: float, which: str) -> list[Wait]:
    """The next one of a customer on that day, if there is one; of objectives the one that is due first."""
    return [wait for wait in all_waits(customer, day, which) if wait.is_open(day)][:1]


def _is_objective(wait: Wait) -> bool:
    return KINDS[wait.fact.kind] == OBJECTIVE


def _stack(waits: Iterable[Wait], day: float) -> engine.Waits:
    """As it was known on that day: what came later has not come."""
    rows = list(waits)
    known = np.array([wait.reached if wait.reached < day else NEVER for wait in rows], dtype=float)
    due = np.array([wait.fact.due for wait in rows], dtype=float)
    return engine.Waits(
        account=np.array([wait.account_id for wait in rows], dtype=np.int64),
        kind=np.array([wait.fact.kind for wait in rows], dtype=np.int64),
        began=np.array([wait.began for wait in rows], dtype=float),
        due=np.where(np.isinf(due), np.nan, due),
        reached=known,
        left=np.array([wait.ended if wait.ended < day else NEVER for wait in rows], dtype=float),
    )


def _fit(customers: list[Customer], day: float, which: str) -> engine.Fitted:
    waits = [wait for each in customers for wait in all_waits(each, day, which)]
    return engine.fit(_stack(waits, day), kinds=len(KINDS), until=day)


# --- the back-test ------------------------------------------------------------------------------


def backtest(customers: list[Customer], day: float, which: str) -> dict[str, Any]:
    """Four past days, each with a model of its own; `is_shown`: enough was learnt from, what came was not
    clearly off what was expected, and it was no worse than the share that had reached theirs in the window before."""
    origins = [day - WINDOW * back for back in range(LEAST_ORIGINS, 0, -1)]
    made = [each for each in (_origin(customers, origin, day, which) for origin in origins) if each]
    learnt = sum(wait.reached < day for each in customers for wait in all_waits(each, day, which))
    report: dict[str, Any] = {"learnt": learnt, "origins": len(made), "least": LEAST_REACHED, "judged": None}
    if made:
        report["judged"] = engine.judge(
            engine.Judged(*(np.concatenate(each) for each in zip(*made, strict=True)))
        )
    report["why_not"] = _why_not(report)
    return report | {"is_shown": not report["why_not"]}


def _why_not(report: dict[str, Any]) -> str:
    if report["learnt"] < LEAST_REACHED:
        return f"Reached so far: {report['learnt']}. At least {LEAST_REACHED} are needed."
    if report["origins"] < LEAST_ORIGINS:
        return (
            f"Back-tested on {report['origins']} past days, 90 days apart, that had {LEAST_REACHED} reached ones to "
            f"learn from. {LEAST_ORIGINS} are needed."
        )
    last = report["judged"]["horizons"][str(engine.HORIZONS[-1])]
    if last["events"] < LEAST_REACHED:
        return f"In the back-test {last['events']} were reached within 90 days. At least {LEAST_REACHED} are needed."
    if last["ratio_high"] < 1 / MOST_OFF or last["ratio_low"] > MOST_OFF:
        return (
            f"In the back-test {last['events']} were reached within 90 days where {last['expected']:.0f} were "
            "expected, so no chances are shown."
        )
    if last["skill_high"] is not None and last["skill_high"] < 0:
        return "In the back-test the chances were worse than the plain share, so none are shown."
    return ""


def _origin(customers: list[Customer], day: float, now: float, which: str) -> tuple[Any, ...]:
    """What a model learnt on that day foretold, and what came, as columns of engine.Judged; empty: too few to learn
    from."""
    there = [each for each in customers if each.is_there(day)]
    waits = [wait for each in there for wait in open_waits(each, day, which)]
    fitted = _fit(customers, day, which) if waits else None
    if fitted is None or fitted.events < LEAST_REACHED:
        return ()
    stack = _stack(waits, day)
    told = engine.foretell(fitted, stack, day=day)
    before = day - WINDOW
    earlier = [
        wait for each in customers if each.is_there(before) for wait in open_waits(each, before, which)
    ]
    came = _reached_in(earlier, before)
    base = [
        float((came < h).mean()) if len(came) else float(told.p[:, at].mean())
        for at, h in enumerate(engine.HORIZONS)
    ]
    n = len(waits)
    seen = np.full(n, now - day)
    reached = _reached_in(waits, day)
    return (
        stack.account, told.p, np.tile(base, (n, 1)), told.days, np.where(reached < seen, reached, np.inf), seen,
    )  # fmt: skip


def _reached_in(waits: list[Wait], day: float) -> Any:
    """Days until each was reached while its account was there; inf: not."""
    return np.array([wait.reached - day for wait in waits], dtype=float)


# --- what pages read ----------------------------------------------------------------------------


def _told(found: engine.Foretold, as_of: date) -> Iterator[dict[str, Any]]:
    def on(days: float) -> str | None:
        return None if np.isnan(days) else str(as_of + timedelta(days=round(days)))

    for p, low, high, days in zip(found.p, found.low, found.high, found.days, strict=True):
        yield {
            "chance": float(p[2]), "low": float(low), "high": float(high),
            "p30": float(p[0]), "p60": float(p[1]), "early": on(days[0]), "middle": on(days[1]), "late": on(days[2]),
        }  # fmt: skip


def _replace(tenant: Tenant, as_of: date, customers: list[Customer], found: list[Told]) -> None:
    GrowthItem.objects.for_tenant(tenant).filter(kind=GrowthItem.Kind.MILESTONE).delete()
    mine: dict[int, list[Told]] = {}
    for wait, told in found:
        mine.setdefault(wait.account_id, []).append((wait, told))
    day = float((as_of - EPOCH).days)
    items = [
        item
        for each in customers
        if each.is_there(day)
        for item in _items(tenant, as_of, each, mine.get(each.account_id, []))
    ]
    GrowthItem.objects.bulk_create(items, batch_size=1000)


def _items(tenant: Tenant, as_of: date, customer: Customer, waits: list[Told]) -> Iterator[GrowthItem]:
    """One for the next milestone, or the renewal where none is open; one for the next objective."""
    day = float((as_of - EPOCH).days)
    milestone = next((wait for wait, _ in waits if not _is_objective(wait)), None)
    reached = [fact for fact in customer.milestones if fact.reached < day]
    last = max(reached, key=lambda fact: fact.reached, default=None)
    stage, known = stage_of(
        next_stage=KINDS[milestone.fact.kind] if milestone else None, last_stage=KINDS[last.kind] if last else None,
        has_milestones=bool(customer.milestones), since=EPOCH + timedelta(days=customer.since),
        renewal=customer.renewal, day=as_of,
    )  # fmt: skip
    about: dict[str, Any] = {"stage": stage, "known": known}
    base: dict[str, Any] = {
        "tenant": tenant,
        "kind": GrowthItem.Kind.MILESTONE,
        "account_id": customer.account_id,
    }
    if milestone is None:
        low, high = customer.renews
        yield GrowthItem(
            pattern=RENEWAL, chance=customer.p_renew, low=low, high=high, due=customer.renewal, facts=about, **base
        )  # fmt: skip
    for wait, found in waits:
        due = None if np.isinf(wait.fact.due) else str(EPOCH + timedelta(days=int(wait.fact.due)))
        facts = about | {"due": due, "waited": int(day - wait.began)}
        facts |= {name: found.get(name) for name in ("p30", "p60", "early", "late")}
        middle = found.get("middle")
        yield GrowthItem(
            pattern=OBJECTIVE if _is_objective(wait) else MILESTONE, product=wait.fact.name[:300],
            chance=found.get("chance"), low=found.get("low"), high=found.get("high"),
            due=date.fromisoformat(middle) if middle else None, facts=facts, **base,
        )  # fmt: skip
