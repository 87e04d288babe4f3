"""Thresholds of the chance of leaving over the last 12 months, beside those in force: the job `scoring.whatif`.

Flagged: a stored chance within 90 days of `high_from` or more, calm: below LOWER of it (`scoring.flagging`); a CSM gets
at most so many new flags a week, the largest amounts at stake first. A flag beyond that number reaches nobody, also not
in a later week.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from scoring.flagging import LOWER
from scoring.learning.replay import ABSENT, BETWEEN, CALM, FLAGGED, Alerts, Past, alerts
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings
from scoring.whatif import report
from scoring.whatif.history import Floats, History, Ints, Part, each_part, gone, load_history, read_part
from tenants.models import Tenant
from tenants.scoping import tenant_transaction


@dataclass(frozen=True)
class Cut:
    high_from: float
    flags_per_csm_week: int

    @classmethod
    def of(cls, settings: ChanceSettings) -> "Cut":
        return cls(float(settings.high_from), settings.flags_per_csm_week)


def what_if(
    tenant: Tenant,
    progress: Callable[..., None],
    *,
    high_from: str,
    flags_per_csm_week: int,
    viewer_id: int = 0,
) -> dict[str, Any]:
    """Job: the comparison is its answer; nothing is written. Its lists name what that member sees (0: nobody's)."""
    with tenant_transaction(tenant.pk):
        settings = chance_settings(tenant)
    proposed = Cut(float(Decimal(high_from)), flags_per_csm_week)
    now = Cut.of(settings)
    found = replay_chances(tenant, now=now, proposed=proposed, progress=progress, viewer_id=viewer_id)
    asked = {
        "high_from": high_from,
        "flags_per_csm_week": flags_per_csm_week,
        "row_version": settings.row_version if settings.pk else 0,
        "now": {"high_from": str(settings.high_from), "flags_per_csm_week": settings.flags_per_csm_week},
    }
    return {"replay": found, "asked": asked}


def replay_chances(
    tenant: Tenant, *, now: Cut, proposed: Cut, progress: Callable[..., None], viewer_id: int | None = None
) -> dict[str, Any]:
    """The comparison as JSON. Opens its own short transactions: call it outside of one."""
    history = load_history(tenant, viewer_id=viewer_id)
    parts = [part for part in history.parts if part.chances] if history else []
    days = sorted({part.day for part in parts})
    if history is None or len(days) < 2:
        return report.empty("A flag needs two scored days with chances, and fewer are stored.", days)
    p90, arr = _read(tenant, history, parts, days, progress)
    past = history.past(days, arr)
    states = _states(p90, now.high_from), _states(p90, proposed.high_from)
    told = _alerts(past, states[0], p90, now), _alerts(past, states[1], p90, proposed)
    left = gone(tenant, history, past, states[0])
    compared = report.compare(history, past, states, told, (left, left))
    lost = int(told[0].kept.sum()) - int(told[1].kept.sum())
    silent = len({part.day for part in history.parts}) - len(days)
    words = [f"{silent} scored days had no chances and are left out."] if silent else []
    held = [int((each.raised & ~each.kept).sum()) for each in told]
    return compared | {"alerts_lost": lost, "held_back": held, "notes": words}


def _read(
    tenant: Tenant, history: History, parts: list[Part], days: list[date], progress: Callable[..., None]
) -> tuple[Floats, Floats]:
    """(p90, ARR) of every account and day; NaN where there is none, also without a snapshot."""
    p90, arr = (np.full((history.accounts.size, len(days)), np.nan) for _ in range(2))
    for part in each_part(parts, progress):
        which = "h.layout IS NULL AND %(layout)s = 0" if not part.layout else "h.layout = %(layout)s"
        rows, money, found = read_part(tenant, history, part, columns=["h.p90::float8"], which=which)
        at = days.index(part.day)
        arr[rows, at], p90[rows, at] = money, found[:, 0]
    return p90, arr


def _states(p90: Floats, high_from: float) -> Ints:
    """A chance of exactly `high_from` is already high; accounts without a chance say nothing."""
    p = np.nan_to_num(p90)
    told = np.where(p >= high_from, FLAGGED, np.where(p < LOWER * high_from, CALM, BETWEEN))
    return np.where(np.isnan(p90), ABSENT, told).astype(np.int64)


def _alerts(past: Past, states: Ints, p90: Floats, cut: Cut) -> Alerts:
    stake = np.nan_to_num(past.arr) * np.nan_to_num(p90)
    return alerts(past, states, a_week=cut.flags_per_csm_week, first=stake)
