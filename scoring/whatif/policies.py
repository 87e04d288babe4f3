"""A draft policy over the last 12 months, beside the policies in force. Flagged: critical or at risk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from scoring import pipeline
from scoring.breakdown import LAYOUTS
from scoring.catalogue import BY_KEY, INDICATORS
from scoring.learning.replay import CALM, FLAGGED, SILENT, alerts
from scoring.models import HealthPolicy
from scoring.whatif import report
from scoring.whatif.history import (
    Floats,
    History,
    Ints,
    each_part,
    gone,
    load_history,
    read_part,
    value_columns,
)
from tenants.models import Tenant

AT_RISK = 1  # place in bands.BANDS; critical is 0


@dataclass(frozen=True)
class Side:
    """The policies of one side, and which of them each account follows."""

    policies: Sequence[HealthPolicy]
    policy_of: Ints

    def states(self, rows: Ints, values: Floats) -> Ints:
        """FLAGGED, CALM or SILENT of these accounts; `values` as the catalogue orders them."""
        found = np.full(rows.size, SILENT, dtype=np.int64)
        for at, policy in enumerate(self.policies):
            mine = self.policy_of[rows] == at
            if mine.any():
                band = pipeline.bands_under(values[mine], policy)
                found[mine] = np.where(band < 0, SILENT, np.where(band <= AT_RISK, FLAGGED, CALM))
        return found


def side(history: History, policies: Sequence[HealthPolicy]) -> Side:
    """Each account under its segment's policy, or that for all segments; the segment is today's."""
    by_segment = {policy.segment: at for at, policy in enumerate(policies)}
    fallback = by_segment.get("", -1)
    places = [by_segment.get(segment, fallback) for segment in history.segments]
    return Side(policies, np.array(places, dtype=np.int64))


def replay_policies(
    tenant: Tenant,
    *,
    published: Sequence[HealthPolicy],
    proposed: Sequence[HealthPolicy],
    progress: Callable[..., None],
) -> dict[str, Any]:
    """The comparison as JSON. Opens its own short transactions: call it outside of one."""
    history = load_history(tenant)
    parts = [part for part in history.parts if part.layout in LAYOUTS] if history else []
    days = sorted({part.day for part in parts})
    if history is None or len(days) < 2:
        return report.empty("A flag needs two scored days, and fewer are stored.", days)
    sides = side(history, published), side(history, proposed)
    (before, arr), (after, _) = history.blank(days), history.blank(days)
    keys = _used([*published, *proposed])
    columns = [at for at, each in enumerate(INDICATORS) if each.key in keys]
    named = [INDICATORS[at].key for at in columns]
    for part in each_part(parts, progress):
        wanted = value_columns(part.layout, named)
        rows, money, found = read_part(tenant, history, part, columns=wanted, which="h.layout = %(layout)s")
        values = np.full((rows.size, len(INDICATORS)), np.nan)
        values[:, columns] = found
        at = days.index(part.day)
        arr[rows, at] = money
        before[rows, at], after[rows, at] = (each.states(rows, values) for each in sides)
    past = history.past(days, arr)
    told = alerts(past, before), alerts(past, after)
    left = gone(tenant, history, past, before)  # which snapshots there are is the same on both sides
    compared = report.compare(history, past, (before, after), told, (left, left))
    return compared | {"notes": notes(history, days, named, published, proposed)}


def _used(policies: Sequence[HealthPolicy]) -> set[str]:
    return {row.indicator for policy in policies for row in policy.rows if row.enabled and row.weight > 0}


def notes(
    history: History,
    days: Sequence[date],
    used: Sequence[str],
    published: Sequence[HealthPolicy],
    proposed: Sequence[HealthPolicy],
) -> list[str]:
    """What the replay cannot know, in words."""
    found = []
    old = {part.day for part in history.parts if part.layout not in LAYOUTS} - set(days)
    if old:
        found.append(f"{len(old)} scored days from before values were stored are left out.")
    newer = [key for key in used if any(key not in LAYOUTS[layout] for layout in _layouts(history))]
    if newer:
        found.append(
            f"On older days these had no value yet and count as missing: {', '.join(_label(key) for key in newer)}."
        )
    windows = _windows(published), _windows(proposed)
    changed = sorted(key for key in used if windows[0].get(key) != windows[1].get(key))
    if changed:
        found.append(
            f"Stored values were measured over the windows of their day, so changed windows are not replayed: "
            f"{', '.join(_label(key) for key in changed)}."
        )
    return found


def _layouts(history: History) -> set[int]:
    return {part.layout for part in history.parts if part.layout in LAYOUTS}


def _windows(policies: Sequence[HealthPolicy]) -> dict[str, int | None]:
    """Windows are those of the policy for all segments."""
    return {
        row.indicator: row.window_days for policy in policies if not policy.segment for row in policy.rows
    }


def _label(key: str) -> str:
    return BY_KEY[key].label if key in BY_KEY else key
