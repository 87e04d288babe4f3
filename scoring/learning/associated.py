"""What is associated with leaving, by indicator and segment: kept with every version that training registers.

Two figures an indicator: how far its part moves the version's chances (`engine.churn.importance`), and how often
accounts with a low and with a high value left (`engine.churn.gaps`), which needs no model. Both are of the newest year
of past days; intervals draw whole accounts.
"""

from dataclasses import asdict
from statistics import NormalDist
from typing import Any

import numpy as np

from scoring.cohorts.models import AssociationReport
from scoring.engine.churn.data import Bools, Stack, spread_key, take
from scoring.engine.churn.gaps import HORIZON, Gap, closed, gaps
from scoring.engine.churn.importance import ALL, LEAST_ACCOUNTS, LEAST_LEAVERS, importance
from scoring.engine.churn.model import Fitted
from scoring.learning import labels
from scoring.models import ChurnModel
from tenants.models import Tenant

NEWEST_DAYS = 365
MOST_ACCOUNTS = 5_000  # a year of their days is 60,000 rows
DRAWS = 300
SEED = 1


def keep(tenant: Tenant, row: ChurnModel, figures: dict[str, Any]) -> AssociationReport:
    """Write what `associated` found beside the version. Needs the tenant's transaction."""
    rows = AssociationReport.objects.for_tenant(tenant)
    made, _ = rows.update_or_create(tenant=tenant, model=row, defaults={"figures": figures})
    return made


def associated(fitted: Fitted, stack: Stack) -> dict[str, Any]:
    """Figures of all accounts and of each segment, for JSON; small segments as counts alone."""
    rows = _recent(stack)
    groups = {ALL: np.ones(len(rows), bool)}
    groups |= {name: rows.segment == at for at, name in enumerate(rows.segments)}
    counts = {name: _counts(rows, inside) for name, inside in groups.items()}
    large = {
        name: inside
        for name, inside in groups.items()
        if counts[name]["accounts"] >= LEAST_ACCOUNTS and counts[name]["leavers"] >= LEAST_LEAVERS
    }
    observed = {name: gaps(rows, inside, draws=DRAWS, seed=SEED) for name, inside in large.items()}
    questions = sum(len(each) for each in observed.values())
    in_model = _in_model(fitted, rows) if large else {}
    segments = [
        {"name": name, "hidden": name not in large, **counts[name]}
        | ({"rows": _lines(in_model.get(name, {}), observed[name], questions)} if name in large else {})
        for name in groups
    ]
    return {
        "horizon": HORIZON, "questions": questions, "draws": DRAWS, "segments": segments,
        "from": str(labels.day_of(rows.day.min())) if len(rows) else None,
        "to": str(labels.day_of(rows.day.max())) if len(rows) else None,
    }  # fmt: skip


def _recent(stack: Stack) -> Stack:
    """The newest year with closed windows, of at most MOST_ACCOUNTS accounts, drawn alike every time."""
    rows = take(stack, closed(stack))
    if not len(rows):
        return rows
    rows = take(rows, rows.day > rows.day.max() - NEWEST_DAYS)
    many = len(np.unique(rows.account))
    key = spread_key(rows.account, np.zeros_like(rows.account), SEED)
    return take(rows, key < MOST_ACCOUNTS / many) if many > MOST_ACCOUNTS else rows


def _counts(rows: Stack, inside: Bools) -> dict[str, int]:
    gone = inside & (rows.leaves_in < HORIZON)
    return {"accounts": len(np.unique(rows.account[inside])), "leavers": len(np.unique(rows.account[gone]))}


def _in_model(fitted: Fitted, rows: Stack) -> dict[str, dict[str, dict[str, Any]]]:
    """By segment and name: the size of the part, and its deviation from the other segments' where one is shown."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for each in importance(fitted, rows, draws=DRAWS, seed=SEED):
        line: dict[str, Any] = {"size": _ends(each.size, each.low, each.high)}
        if each.deviation is not None:
            line["deviation"] = _ends(each.deviation, each.deviation_low, each.deviation_high)
        found.setdefault(each.segment, {})[each.name] = line
    return found


def _ends(value: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    ends = {"value": value, "low": low, "high": high}
    return {name: None if each is None else round(each, 5) for name, each in ends.items()}


def _lines(parts: dict[str, dict[str, Any]], observed: list[Gap], questions: int) -> list[dict[str, Any]]:
    """A line an indicator that one of both tells of, the largest part first, then the largest gap."""
    by_name = {each.name: each for each in observed}
    names = dict.fromkeys([*parts, *by_name])
    lines = [
        {"name": name, "size": None, **parts.get(name, {}), "gap": _told(by_name.get(name), questions)}
        for name in names
    ]
    return sorted(lines, key=_order)


def _order(line: dict[str, Any]) -> tuple[float, float, str]:
    size, gap = line["size"], line["gap"]
    return (-(size["value"] if size else 0.0), -abs(gap["value"]) if gap else 0.0, line["name"])


def _told(gap: Gap | None, questions: int) -> dict[str, Any] | None:
    """`sure`: the interval excludes zero also when it is widened for all questions asked (Bonferroni)."""
    if gap is None:
        return None
    reach = NormalDist().inv_cdf(1 - 0.025 / max(questions, 1)) * gap.deviation
    return _ends(gap.value, gap.low, gap.high) | {
        "lower": _short(asdict(gap.lower)), "upper": _short(asdict(gap.upper)), "sure": abs(gap.value) > reach > 0,
    }  # fmt: skip


def _short(side: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{each:.5g}") if isinstance(each, float) else each for name, each in side.items()}
