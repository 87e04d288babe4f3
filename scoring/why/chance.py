"""The chance of leaving on the account page: figures with their interval, the curve, what is associated with it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import Account
from scoring import model_queries, queries
from scoring.catalogue import BY_KEY
from scoring.charts import Figure
from scoring.models import AccountHealth, ChurnModel
from scoring.panels import shown_value, stake_range
from scoring.people import feedback
from scoring.people.models import ReasonFeedback
from scoring.people.words import About
from scoring.why.sources import flag_words, place_of
from tenants.access import Right, can, sees_everything
from tenants.models import Membership, Tenant

RISK_TONES = {"low": "good", "medium": "watch", "high": "high", "critical": "crit"}
OTHER_UNITS = {"account.tenure_days": "days", "contract.term_days": "days", "contract.auto_renew": "yes_no"}
ROUNDED = 5e-7  # what a shown chance can differ by from the one of the back-test
NOT_SHOWN = ("account.log_arr",)  # a logarithm says nothing to a reader, and ARR has a field rule


@dataclass(frozen=True)
class Reason:
    """One part of the log-odds in words, and what the viewer said of it."""

    key: str
    text: str
    points: float  # what it alone adds to the chance, in points
    value: str
    usual: str
    day: date | None
    place: str  # query and fragment of the account page
    mine: ReasonFeedback | None = None


@dataclass(frozen=True)
class Kept:
    """Past chances of about this size in the back-test, and the share of them that left.

    `lead`: how near they are to this one, as the beginning of a sentence.
    """

    lead: str
    said_from: float
    said_to: float
    left: float
    low: float  # 95 % interval
    high: float
    n: int


@dataclass(frozen=True)
class CurvePoint:
    """The chance to have left so many days from now."""

    days: int
    chance: Decimal
    low: Decimal | None = None
    high: Decimal | None = None


def chance_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Two queries with a chance, one more for who may judge its reasons; up to four without one."""
    standing = queries.account_health(tenant, account_id=account.pk)
    if standing is None or standing.p90 is None:
        return {"standing": standing, "lacking": _lacking(tenant, viewer)}
    model = model_queries.model_by_id(tenant, standing.model_id)
    points = curve_points(standing)
    may_judge = can(viewer, Right.GIVE_FEEDBACK)
    mine = feedback.mine(tenant, viewer, account_id=account.pk) if may_judge else {}
    reasons = [_reason(each, mine) for each in standing.chance_reasons]
    return {
        "standing": standing,
        "model": model,
        "tone": RISK_TONES.get(standing.risk_level, ""),
        "before": None if standing.p90_delta_30 is None else standing.p90 - standing.p90_delta_30,
        "range": stake_range(standing),
        "marks": flag_words(standing.chance_flags),
        "points": points,
        "figure": curve_figure(points),
        "label": _curve_words(points),
        "up": [each for each in reasons if each.points > 0],
        "down": [each for each in reasons if each.points <= 0],
        "kept": kept(model, standing.p90),
        "may_judge": may_judge,
    }


def _reason(found: dict[str, Any], mine: dict[tuple[str, str], ReasonFeedback]) -> Reason:
    key, usual = str(found["key"]), found.get("usual")
    day = date.fromisoformat(found["day"]) if found.get("day") else None
    return Reason(
        key=key,
        mine=mine.get((About.REASON, key)),
        text=str(found["text"]),
        points=float(found["points"]),
        value=value_words(key, found.get("value")),
        usual=_usual_words(key, usual) if usual else "",
        day=day,
        place=place_of(key, day),
    )


def value_words(name: str, value: float | None) -> str:
    """A value in its own unit; empty where it would tell nothing or what a field rule covers."""
    unit = BY_KEY[name].unit if name in BY_KEY else OTHER_UNITS.get(name, "")
    return "" if not unit or value is None or name in NOT_SHOWN else shown_value(unit, value)


def _usual_words(name: str, usual: list[float]) -> str:
    low, high = (value_words(name, each) for each in usual)
    return low if low == high else f"{low} to {high}"


def curve_points(standing: AccountHealth) -> list[CurvePoint]:
    """Today and the three horizons; the interval is known of the last."""
    found = [CurvePoint(0, Decimal(0))]
    for days, chance in ((30, standing.p30), (60, standing.p60)):
        if chance is not None:
            found.append(CurvePoint(days, chance))
    if standing.p90 is not None:
        found.append(CurvePoint(90, standing.p90, standing.p90_low, standing.p90_high))
    return found


def curve_figure(points: list[CurvePoint]) -> Figure:
    """The chance to have left by each day, with the 80 % interval at 90 days."""
    last = points[-1]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [point.days for point in points],
                "y": [100 * float(point.chance) for point in points],
                "line": {"color": "--accent", "width": 2},
                "marker": {"size": 6},
                "hovertemplate": "Within %{x} days: %{y:.1f}%<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "x": [last.days, last.days],
                "y": [_percent(last.low), _percent(last.high)],
                "line": {"color": "--ink-3", "width": 3},
                "hovertemplate": "80% interval: %{y:.1f}%<extra></extra>",
            },
        ],
        "layout": {
            "showlegend": False,
            "yaxis": {"rangemode": "tozero", "ticksuffix": "%"},
            "xaxis": {"tickvals": [0, 30, 60, 90], "title": {"text": "days from now"}},
        },
    }  # fmt: skip


def _percent(share: Decimal | None) -> float | None:
    return None if share is None else 100 * float(share)


def _curve_words(points: list[CurvePoint]) -> str:
    told = ", ".join(f"{100 * point.chance:.1f}% within {point.days} days" for point in points[1:])
    return f"Chance to have left: {told}. The table has the interval."


def kept(model: ChurnModel | None, p90: Decimal) -> Kept | None:
    """The bin of the back-test's reliability diagram nearest to the chance; None where too few were expected.

    Bins run from the lowest to the highest chance that was seen in them: between two, and beyond both ends, lies none.
    """
    report: dict[str, Any] = model.report if model else {}
    bins = report.get("reliability", {}).get("90", {}).get("bins", [])
    if not bins:
        return None
    p = float(p90)
    near = min(bins, key=lambda each: max(each["from"] - p, p - each["to"], 0.0))
    found = (near["from"], near["to"], near["rate"], near["low"], near["high"], near["n"])
    return Kept(_lead(p, near, bins), *found)


def _lead(p: float, near: dict[str, Any], bins: list[dict[str, Any]]) -> str:
    if near["from"] - ROUNDED <= p <= near["to"] + ROUNDED:
        return "Said"
    if p > max(each["to"] for each in bins):
        return "None was as high. Of the highest, said"
    if p < min(each["from"] for each in bins):
        return "None was as low. Of the lowest, said"
    return "None was of this size. Of the nearest, said"


def _lacking(tenant: Tenant, viewer: Membership) -> list[str]:
    """What is missing before there can be a chance, in words. Numbers of the workspace are for who sees all of it."""
    model = model_queries.newest_model(tenant)
    settings = model_queries.chance_settings(tenant)
    seen = model_queries.leavers(tenant)
    found = []
    if not seen:
        found.append("No customer was seen to leave yet, so there is nothing to learn from.")
    elif seen < settings.least_leavers:
        count = f"{seen} customers were" if sees_everything(viewer) else "Fewer were"
        found.append(f"{count} seen to leave; {settings.least_leavers} are needed.")
    found.append(_model_words(model))
    return found


def _model_words(model: ChurnModel | None) -> str:
    if model is None:
        return "No model was learnt yet. Learning runs every 30 days and needs past scores and outcomes."
    if model.state == ChurnModel.State.SHADOW:
        return f"{str(model).capitalize()} is watched in the background and was not shown to anybody yet."
    if model.state == ChurnModel.State.DRAFT:
        return f"{str(model).capitalize()} is a draft: it has not passed its gates."
    if model.state == ChurnModel.State.RETIRED:
        return f"{str(model).capitalize()} was taken back: {model.retired_why or 'another one is awaited'}."
    return f"{str(model).capitalize()} speaks from the next scoring on."
