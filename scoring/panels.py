"""What the account page shows of health: where the account stands, the breakdown, its history, the override."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from accounts.models import Account
from accounts.panels import Panel, register
from scoring import charts, queries
from scoring.bands import band_of
from scoring.catalogue import BY_KEY, DIMENSION_LABELS, MISSING_WORDS, Dimension, Indicator
from scoring.clock import tenant_today
from scoring.forms import OverrideForm
from scoring.goal_values import value_context
from scoring.models import AccountHealth, HealthPolicy, HealthSnapshot
from scoring.people import feedback
from scoring.pooling.words import is_late, pooled_words
from scoring.rounding import add_up
from scoring.why.sources import place_of
from tenants.access import Right, can
from tenants.models import Membership, Tenant

STANDING, HEALTH, HISTORY, OVERRIDE = "standing", "health", "history", "override"
VALUE = "value"
COMPARED_DAYS = 30
MOST_POINTS = 120
RECENT_NPS_DAYS = 180
RATED = ("satisfaction.csat_90d", "satisfaction.ces_180d")
NOT_COUNTED: dict[str, Any] = {"score": None, "weight": 0, "coverage": 0}


def standing_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Head of the page: one query."""
    standing = queries.account_health(tenant, account_id=account.pk)
    if standing is None:
        return {"standing": None, "stake_range": None}
    return {
        "standing": standing,
        "stake_range": stake_range(standing),
        "is_late": is_late(standing.chance_flags),
        "pooled": pooled_words(standing.chance_flags),
    }


def stake_range(standing: AccountHealth) -> tuple[Decimal, Decimal] | None:
    """ARR times both ends of the chance's interval, in the tenant's currency."""
    if standing.arr_reporting is None or standing.p90_low is None or standing.p90_high is None:
        return None
    return standing.arr_reporting * standing.p90_low, standing.arr_reporting * standing.p90_high


@dataclass(frozen=True)
class IndicatorLine:
    """One indicator as a row of the breakdown."""

    indicator: Indicator
    found: dict[str, Any]

    @property
    def value(self) -> str:
        return shown_value(self.indicator.unit, self.found["value"])

    @property
    def missing(self) -> str:
        return MISSING_WORDS.get(self.found["missing"], "") if self.found["missing"] else ""

    @property
    def latest(self) -> date | None:
        return _day(self.found["latest"])

    @property
    def place(self) -> str:
        """Query and fragment of the account page that shows its rows."""
        return place_of(self.indicator.key, self.latest)


@dataclass(frozen=True)
class DimensionLine:
    """One dimension: its score, how that moved, what the move did to health, and what drives it."""

    label: str
    score: Decimal | None
    band: str
    weight: Decimal
    change: Decimal | None  # of the score, in 30 days
    effect: Decimal | None  # on health, in tenths; all effects add up to the change of health
    driver: str
    coverage: Decimal
    indicators: list[IndicatorLine]
    is_estimated: bool = False  # satisfaction without a recent answer to any survey


def health_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """The breakdown of the newest snapshot against the one 30 days earlier; at most five queries."""
    standing = queries.account_health(tenant, account_id=account.pk)
    if standing is None:
        return {"standing": None}
    now = queries.snapshot_of(tenant, standing)
    policy = queries.policy_by_id(tenant, now.policy_id) if now else None
    if now is None or policy is None:
        return {"standing": None}
    day = standing.as_of - timedelta(days=COMPARED_DAYS)
    before = queries.snapshot_near(tenant, account_id=account.pk, day=day)
    change = _change(now, before)
    judged = standing.reasons if can(viewer, Right.GIVE_FEEDBACK) else []
    mine = feedback.mine(tenant, viewer, account_id=account.pk) if judged else {}
    return {
        "standing": standing,
        "lines": dimension_lines(now, before, policy),
        "sum": change,
        "before_day": before.as_of if before and change else None,
        "policy": now.policy_version,
        "min_coverage": policy.min_coverage_pct,
        "reasons": [(each, mine.get(("reason", each.get("key", "")))) for each in judged],
    }


@dataclass(frozen=True)
class Sum:
    """What was, what changed, what is: in tenths that add up."""

    before: Decimal
    change: Decimal
    now: Decimal


def _change(now: HealthSnapshot, before: HealthSnapshot | None) -> Sum | None:
    if before is None or now.health is None or before.health is None:
        return None
    change = _tenths(now.health - before.health)
    return Sum(_tenths(now.health) - change, change, _tenths(now.health))


def _tenths(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def dimension_lines(
    now: HealthSnapshot, before: HealthSnapshot | None, policy: HealthPolicy
) -> list[DimensionLine]:
    """The dimensions in the catalogue's order. Effects are rounded together, so that they add up to the change."""
    either = {*now.dimensions, *(before.dimensions if before else ())}
    keys = [dimension.value for dimension in Dimension if dimension.value in either]
    change = _change(now, before)
    effects: list[Decimal | None] = [None] * len(keys)
    if change is not None and before is not None:
        moved = [_points(now, key) - _points(before, key) for key in keys]
        shown = add_up([part * 10 for part in moved], int(change.change * 10))
        effects = [Decimal(each) / 10 for each in shown]
    return [_line(key, now, before, policy, effect) for key, effect in zip(keys, effects, strict=True)]


def _points(snapshot: HealthSnapshot, key: str) -> Decimal:
    return Decimal(str(snapshot.dimensions.get(key, {}).get("points", 0)))


def _line(
    key: str, now: HealthSnapshot, before: HealthSnapshot | None, policy: HealthPolicy, effect: Decimal | None
) -> DimensionLine:
    found = now.dimensions.get(key, NOT_COUNTED)  # another policy version counted it 30 days ago
    score = _decimal(found["score"])
    earlier = _decimal(before.dimensions.get(key, {}).get("score")) if before else None
    return DimensionLine(
        label=DIMENSION_LABELS[Dimension(key)],
        score=score,
        band=band_of(score, policy),
        weight=Decimal(str(found["weight"])),
        change=score - earlier if score is not None and earlier is not None else None,
        effect=effect,
        driver=_driver(now, key),
        coverage=Decimal(str(found["coverage"])),
        is_estimated=key == Dimension.SATISFACTION and score is not None and not has_recent_survey(now),
        indicators=[
            IndicatorLine(BY_KEY[each["key"]], each)
            for each in now.indicators
            if each["dimension"] == key and each["key"] in BY_KEY
        ],
    )


def has_recent_survey(snapshot: HealthSnapshot) -> bool:
    """Whether the account answered anything lately: NPS in 180 days, or a rating in the windows of CSAT and CES.

    Without, satisfaction rests on tickets and on the tone of texts, and is shown as estimated.
    """
    found = {each["key"]: each for each in _all_indicators(snapshot)}
    if any(found.get(key, {}).get("value") is not None for key in RATED):
        return True
    nps = found.get("satisfaction.nps_latest", {})
    latest = _day(nps.get("latest"))
    return (
        nps.get("value") is not None
        and latest is not None
        and latest >= snapshot.as_of - timedelta(days=RECENT_NPS_DAYS)
    )


def _all_indicators(snapshot: HealthSnapshot) -> list[dict[str, Any]]:
    return snapshot.indicators if snapshot.breakdown is None else snapshot.breakdown.everything()


def _driver(now: HealthSnapshot, key: str) -> str:
    """The indicator that costs the most points of this dimension, in words."""
    costly = [each for each in now.indicators if each["dimension"] == key and each.get("lost", 0) > 0]
    worst = max(costly, key=lambda each: each["lost"], default=None)
    return worst["text"] if worst else ""


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def shown_value(unit: str, value: float | None) -> str:
    """A value in its own unit, for the breakdown's table."""
    if value is None:
        return "—"
    if unit in ("share", "change"):
        sign = "+" if unit == "change" and value > 0 else ""
        return f"{sign}{value * 100:.0f}%".replace("-", "−")
    if unit == "tone":
        return f"{value:+.2f}".replace("-", "−")
    if unit == "hours":
        return f"{value:.0f} h"
    if unit == "days":
        return f"{value:.0f} d".replace("-", "−")
    if unit == "yes_no":
        return "Yes" if value else "No"
    if unit == "months":
        return f"{value:.0f} mo"
    places = {"ratio": 1, "score": 1, "points": 1}.get(unit, 0)
    times = "×" if unit == "ratio" else ""
    return f"{value:.{places}f}{times}".replace("-", "−")


def history_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """The chart and the table behind it: the same points."""
    points = thinned(queries.history(tenant, account_id=account.pk))
    if not points:
        return {"points": []}
    policy = queries.policy_by_id(tenant, points[-1].policy_id)
    known = [point.health for point in points if point.health is not None]
    return {
        "points": list(reversed(points)),
        "figure": charts.health_figure(points, policy),
        "changes": charts.policy_changes(points),
        "first": points[0],
        "last": points[-1],
        "label": _chart_words(known),
    }


def _chart_words(known: list[Decimal]) -> str:
    """The chart in one sentence, for those who do not see it; empty when no day has a number."""
    if not known:
        return ""
    first, last, low, high = (f"{each:.0f}" for each in (known[0], known[-1], min(known), max(known)))
    return (
        f"Health over time: from {first} to {last}, lowest {low}, highest {high}. The table has every point."
    )


def thinned(points: list[HealthSnapshot]) -> list[HealthSnapshot]:
    """Every day of the last month and the last day of each week before, so that chart and table stay readable."""
    if len(points) <= MOST_POINTS:
        return points
    month = points[-1].as_of - timedelta(days=31)
    by_week = {point.as_of.isocalendar()[:2]: point for point in points if point.as_of < month}
    return [*by_week.values(), *(point for point in points if point.as_of >= month)][-MOST_POINTS:]


def override_context(
    tenant: Tenant, viewer: Membership, account: Account, data: Any = None
) -> dict[str, Any]:
    """The override in force, if any, and the form; without the right to work the queue the form is left out."""
    standing = queries.account_health(tenant, account_id=account.pk)
    return {
        "standing": standing,
        "override": queries.override_in_force(tenant, account_id=account.pk),
        "earlier": queries.ended_overrides(tenant, account_id=account.pk, limit=3),
        "override_form": OverrideForm(data, today=tenant_today(tenant)),
    }


def register_panels() -> None:
    """Called once at start-up."""
    here = "scoring/panels/"
    register(Panel(STANDING, "Health", 5, f"{here}standing.html", standing_context, column="head"))
    register(Panel(HEALTH, "Health by dimension", 10, f"{here}health.html", health_context, lazy=True))
    register(Panel(HISTORY, "Health over time", 20, f"{here}history.html", history_context, lazy=True))
    register(Panel(VALUE, "Value realised", 45, f"{here}value.html", value_context, lazy=True))
    register(Panel(OVERRIDE, "Override the score", 30, f"{here}override.html", override_context, lazy=True))
