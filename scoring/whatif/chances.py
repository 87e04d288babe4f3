"""Thresholds of the chance of leaving over the last 12 months, beside those in force: the job `scoring.whatif`.

Flagged: a stored chance within 90 days of `high_from` or more, calm: below LOWER of it (`scoring.flagging`); a CSM gets
at most so many new flags a week, the largest amounts at stake first. A flag beyond that number reaches nobody, also not
in a later week. Beside it (`parts`): each level as scoring moves it, and the flag of the version in force at the
precision wanted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from scoring.automation.report import is_reached, threshold_of
from scoring.flagging import LOWER
from scoring.learning import labels, registry, replay
from scoring.learning.levels import levels
from scoring.learning.replay import ABSENT, BETWEEN, CALM, FLAGGED, Alerts, Gone, Past
from scoring.model_queries import chance_settings
from scoring.models import ChurnModel
from scoring.whatif import report
from scoring.whatif.cuts import Numbers, numbers, numbers_of, shown, stored
from scoring.whatif.history import Floats, History, Ints, Part, each_part, gone, load_history, read_part
from tenants.models import Tenant
from tenants.scoping import tenant_transaction


@dataclass(frozen=True)
class Cut:
    """Numbers as the replay takes them; the threshold is the one that the version in force has for a precision."""

    high_from: float
    flags_per_csm_week: int
    medium_from: float = 0.1
    critical_from: float = 0.6
    margin: float = 0.02
    threshold: float | None = None
    is_trained: bool = False  # the precision is not reached, so the trained threshold stands in its place

    @classmethod
    def of(cls, given: Numbers, model: ChurnModel | None) -> "Cut":
        wanted = float(given["precision_wanted"])
        shares: dict[str, Any] = {
            name: float(given[name]) for name in ("high_from", "medium_from", "critical_from", "margin")
        }
        a_week = int(given["flags_per_csm_week"])
        if model is None:
            return cls(flags_per_csm_week=a_week, **shares)
        threshold, reached = threshold_of(model, wanted=wanted), is_reached(model, wanted=wanted)
        return cls(flags_per_csm_week=a_week, threshold=threshold, is_trained=not reached, **shares)

    @property
    def levels(self) -> tuple[float, float, float]:
        return self.medium_from, self.high_from, self.critical_from


def what_if(
    tenant: Tenant,
    progress: Callable[..., None],
    *,
    cuts: Mapping[str, Any] | None = None,
    viewer_id: int = 0,
    **some: Any,
) -> dict[str, Any]:
    """Job: the comparison is its answer; nothing is written. Its lists name what that member sees (0: nobody's).

    `some`: the two numbers of a job that waited while Holdfast was upgraded; the others are those in force.
    """
    with tenant_transaction(tenant.pk):
        in_force = numbers_of(chance_settings(tenant))
        model = registry.live(tenant)
    proposed = numbers({**in_force, **(some if cuts is None else cuts)})
    now, then = (Cut.of(each, model) for each in (in_force, proposed))
    found = replay_chances(tenant, now=now, proposed=then, progress=progress, viewer_id=viewer_id)
    found["model"] = str(model) if model else ""
    asked = {"cuts": stored(proposed), "now": stored(in_force), "model": model.pk if model else 0}
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
    beside = _Beside(past, p90, left, labels.day_number(history.newest))
    return compared | {
        "alerts_lost": lost, "held_back": held, "notes": words, "parts": beside.parts(now, proposed)
    }  # fmt: skip


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
    return replay.alerts(past, states, a_week=cut.flags_per_csm_week, first=_stake(past, p90))


def _stake(past: Past, p90: Floats) -> Floats:
    found: Floats = np.nan_to_num(past.arr) * np.nan_to_num(p90)
    return found


@dataclass(frozen=True)
class _Beside:
    """The same past by each level, and by the threshold of the version in force."""

    past: Past
    p90: Floats
    left: Gone
    until: int

    def parts(self, now: Cut, proposed: Cut) -> list[dict[str, Any]]:
        """{title, from, before, after} each; a side without a threshold is None."""
        stood = [levels(self.p90, each.levels, margin=each.margin) for each in (now, proposed)]
        found = []
        for at, name in enumerate(("Medium or above", "High or above", "Critical"), start=1):
            sides = [
                self._figures(self._rises(level >= at, cut))
                for level, cut in zip(stood, (now, proposed), strict=True)
            ]
            begins = [shown("", cut.levels[at - 1]) for cut in (now, proposed)]
            found.append({"title": name, "from": begins, "before": sides[0], "after": sides[1]})
        return [*found, self._by_precision(now, proposed)]

    def _by_precision(self, now: Cut, proposed: Cut) -> dict[str, Any]:
        sides = [
            None
            if cut.threshold is None
            else self._figures(_alerts(self.past, _states(self.p90, cut.threshold), self.p90, cut))
            for cut in (now, proposed)
        ]
        begins = ["" if cut.threshold is None else shown("", cut.threshold) for cut in (now, proposed)]
        trained = [cut.threshold is not None and cut.is_trained for cut in (now, proposed)]
        title = "The version's own threshold"
        return {"title": title, "from": begins, "trained": trained, "before": sides[0], "after": sides[1]}

    def _rises(self, on: Any, cut: Cut) -> Alerts:
        first = _stake(self.past, self.p90)
        return replay.rises(self.past, on, a_week=cut.flags_per_csm_week, first=first)

    def _figures(self, told: Alerts) -> dict[str, Any]:
        """Without money: sums are told once."""
        states = _states(self.p90, 1.0)  # who was there at all
        found = replay.figures(self.past, states, told, self.left, until=self.until)
        return {key: value for key, value in found.items() if not key.endswith("_arr")}
