"""Why an account stands where it stands: the parts of its change in 30 days, or what costs it points now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone

from playbooks.models import PlaybookStep, Recommendation
from playbooks.queries.queue import midnight
from scoring.catalogue import DIMENSION_LABELS, Dimension
from scoring.models import AccountHealth, HealthSnapshot
from scoring.queries import finished_runs
from scoring.rounding import add_up
from tenants.models import Tenant

CHANGE_DAYS = 30
TOLERANCE_DAYS = 7  # as the projection's delta_30 is made: the newest day 30 to 37 days ago
TENTH = Decimal("0.1")
NOTHING: dict[str, Any] = {"points": 0, "text": ""}


@dataclass(frozen=True)
class Part:
    """One dimension's share, in tenths of a point so that the parts add up to what is shown."""

    dimension: str
    label: str
    points: Decimal
    text: str
    day: date | None
    was: str = ""  # how the same indicator read before, if it read otherwise


@dataclass(frozen=True)
class Why:
    """`earlier` is None where there is no day to compare with: then the parts are points lost now."""

    health: Decimal | None
    earlier: Decimal | None
    total: Decimal
    parts: list[Part]


def why(tenant: Tenant, standing: AccountHealth) -> Why:
    """The parts add up to the total exactly, as shown."""
    now, then = _snapshots(tenant, standing)
    if standing.health is None:
        return Why(None, None, Decimal(0), [])
    if now is not None and then is not None and standing.delta_30 is not None:
        return _change(now, then)
    return _levels(standing)


def steps_of(tenant: Tenant, playbook_id: int) -> list[PlaybookStep]:
    steps = PlaybookStep.objects.for_tenant(tenant).filter(playbook_id=playbook_id)
    return list(steps.order_by("position", "pk"))


def first_due(tenant: Tenant, row: Recommendation) -> date | None:
    """The day of the first step of the play that starts now; None for a playbook without steps."""
    steps = PlaybookStep.objects.for_tenant(tenant).filter(playbook_id=row.playbook_id)
    days = steps.aggregate(first=Min("due_days"))["first"]
    began = row.decided_at or timezone.now()
    return None if days is None else midnight(tenant, began).date() + timedelta(days=days)


def _snapshots(
    tenant: Tenant, standing: AccountHealth
) -> tuple[HealthSnapshot | None, HealthSnapshot | None]:
    """The standing's own snapshot, and the one that its change is measured from; one statement."""
    last = standing.as_of - timedelta(days=CHANGE_DAYS)
    first = last - timedelta(days=TOLERANCE_DAYS)
    counts = finished_runs(tenant).filter(pk=OuterRef("run_id"), is_unchanged=False)
    rows = list(
        HealthSnapshot.objects.filter(tenant=tenant, account_id=standing.account_id)
        .filter(
            Q(as_of=standing.as_of, run_id=standing.run_id)
            | Q(Exists(counts), as_of__gte=first, as_of__lte=last, health__isnull=False)
        )
        .only("tenant", "account", "as_of", "run", "health", *HealthSnapshot.BREAKDOWN)
        .order_by("-as_of", "-run_id")
    )
    now = next((row for row in rows if row.as_of == standing.as_of), None)
    return now, next((row for row in rows if row.as_of <= last), None)


def _change(now: HealthSnapshot, then: HealthSnapshot) -> Why:
    """What each dimension gave to the change, largest loss first; dimensions that stayed are left out."""
    names = [name.value for name in Dimension]
    raw = [_points(now.dimensions, name) - _points(then.dimensions, name) for name in names]
    total = tenths(sum(raw, Decimal(0)))
    shown = [
        _part(name, share, _speaker(name, share, now.indicators, then.indicators))
        for name, share in zip(names, _shares(raw, total), strict=True)
        if share
    ]
    shown.sort(key=lambda part: part.points)
    return Why(now.health, then.health, total, shown)


def _levels(standing: AccountHealth) -> Why:
    """What costs points now, most first: together 100 less health."""
    assert standing.health is not None
    names = [name.value for name in Dimension]
    raw = [Decimal(str(standing.dimensions.get(name, {}).get("lost", 0))) for name in names]
    total = tenths(100 - standing.health)
    worst = {
        name: next((each for each in standing.reasons if each["dimension"] == name), None) for name in names
    }
    shown = [
        _part(name, -share, worst[name])
        for name, share in zip(names, _shares(raw, total), strict=True)
        if share
    ]
    shown.sort(key=lambda part: part.points)
    return Why(standing.health, None, -total, shown)


def _shares(raw: list[Decimal], total: Decimal) -> list[Decimal]:
    """The raw figures in tenths that add up to the total (largest remainder)."""
    whole = add_up([each * 10 for each in raw], int(total * 10))
    return [Decimal(each) / 10 for each in whole]


def tenths(value: Decimal) -> Decimal:
    return value.quantize(TENTH, ROUND_HALF_UP)


def _points(dimensions: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(dimensions.get(name, {}).get("points", 0)))


def _speaker(
    name: str, share: Decimal, now: list[dict[str, Any]], then: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The indicator that moved the dimension most in the direction it went, as it reads now."""
    before = {each["key"]: each for each in then}
    way = 1 if share > 0 else -1
    moved = [
        (way * (each["points"] - before.get(each["key"], NOTHING)["points"]), each)
        for each in now
        if each["dimension"] == name and each["text"]
    ]
    most, speaks = max(moved, key=lambda pair: pair[0], default=(0, None))
    if speaks is None or most <= 0:
        return None
    was = before.get(speaks["key"], NOTHING)["text"]
    return {**speaks, "day": speaks["latest"], "was": was if was != speaks["text"] else ""}


def _part(name: str, points: Decimal, speaks: dict[str, Any] | None) -> Part:
    day = speaks.get("day") if speaks else None
    return Part(
        dimension=name,
        label=DIMENSION_LABELS[Dimension(name)],
        points=points,
        text=str(speaks["text"]) if speaks else "",
        day=date.fromisoformat(day) if day else None,
        was=str(speaks.get("was", "")) if speaks else "",
    )
