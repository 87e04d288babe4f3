"""Stored chances beside what became of the accounts: one row an account and past day.

Chances are those that were written then (snapshots are never rewritten); leaving is counted as in training
(scoring.learning.labels), so a window `[D, D + h)` is closed once the day `D + h` has been scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from accounts.models import Account
from scoring import queries
from scoring.engine.validation import HORIZONS
from scoring.flagging import IN_TIME_DAYS
from scoring.learning import labels
from scoring.models import HealthSnapshot
from scoring.queries import Effective
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WEEK = 7  # days between the scorings that lead time is counted on
LATE = 2  # a chance written more days after the day it speaks of was not said in time
_COLUMNS = ("account_id", "p30", "p60", "p90", "arr_reporting", "model_id", "recorded_at")


@dataclass(frozen=True)
class Said:
    """n chances. The names shared with `engine.validation.rows.Rows` mean the same; days count from 1970-01-01."""

    account: Ints
    day: Ints
    segment: Ints  # place in `segments`
    arr: Floats
    leaves_in: Floats
    seen_for: Floats
    p: Floats  # n x 3: within 30, 60, 90 days; NaN where no chance was shown
    model: Ints  # row of ChurnModel, 0 without one
    late: Bools
    segments: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.day)

    def pick(self, rows: NDArray[Any]) -> "Said":
        """Some of the rows (a mask or places)."""
        parts = {
            each.name: getattr(self, each.name)[rows] for each in fields(self) if each.name != "segments"
        }
        return replace(self, **parts)


@dataclass(frozen=True)
class People:
    """The tenant's accounts as training numbers them, by database id."""

    number: dict[int, int]
    segment: dict[int, int]
    segments: tuple[str, ...]


def people(tenant: Tenant) -> People:
    """Every account. Segments are those of today: snapshots do not keep them."""
    rows = list(Account.objects.for_tenant(tenant).values_list("pk", "external_id", "segment"))
    numbers = labels.account_numbers([row[1] for row in rows])
    names = tuple(sorted({row[2] for row in rows}))
    return People(
        {row[0]: int(number) for row, number in zip(rows, numbers, strict=True)},
        {row[0]: names.index(row[2]) for row in rows},
        names,
    )


def monthly(runs: Sequence[Effective], *, months: int) -> list[Effective]:
    """The first scored day of each of the newest `months` months that have one."""
    first: dict[tuple[int, int], Effective] = {}
    for run in runs:
        first.setdefault((run.as_of.year, run.as_of.month), run)
    return list(first.values())[-months:]


@dataclass(frozen=True)
class Scored:
    """One run a scored day, oldest first, with how many days were scored only when they were long past.

    Nobody saw what those said, so they are left out; but until a window of a day that was scored in time has closed
    there would be nothing to see at all, and then they are in, and `is_afterwards` says so.
    """

    runs: list[Effective]
    is_afterwards: bool
    late_days: int

    @property
    def told(self) -> dict[str, Any]:
        return {"used": self.is_afterwards, "days": self.late_days, "scored": len(self.runs)}


def scored(tenant: Tenant, *, since: date, until: date) -> Scored:
    """What counts as observed of those days; a day that was scored in time stands as it was scored then."""
    every = queries.effective_runs(tenant, since=since, until=until)
    latest = F("as_of") + timedelta(days=IN_TIME_DAYS)
    made = queries.finished_runs(tenant).filter(is_unchanged=False, as_of__gte=since, as_of__lte=until)
    newest = made.filter(created_at__date__lte=latest).order_by("as_of", "-pk").distinct("as_of")
    in_time = [Effective(day, run) for day, run in newest.values_list("as_of", "pk")]
    late_days = len(every) - len(in_time)
    if any(until - run.as_of >= timedelta(days=min(HORIZONS)) for run in in_time):
        return Scored(in_time, False, late_days)
    kept = {run.as_of: run for run in in_time}
    return Scored([kept.get(run.as_of, run) for run in every], late_days > 0, late_days)


def weekly(runs: Sequence[Effective]) -> list[Effective]:
    """Scored days at least a week apart, oldest first."""
    found: list[Effective] = []
    for run in runs:
        if not found or run.as_of - found[-1].as_of >= timedelta(days=WEEK):
            found.append(run)
    return found


def said(
    tenant: Tenant, runs: Sequence[Effective], *, who: People, known: labels.Leavers, until: date
) -> Said:
    """What those runs said. Read day by day: a year of a large tenant does not fit as database rows."""
    parts = [_day(tenant, run, who, until) for run in runs]
    whole = _joined(parts, who.segments)
    at, found = labels.places(known, whole.account)
    leaves_in = np.full(len(whole), np.inf)
    leaves_in[found] = known.day[at[found]] - whole.day[found]
    # who had left before that day, as was learnt afterwards, could not be warned of
    return replace(whole, leaves_in=leaves_in).pick(leaves_in >= 0)


def _day(tenant: Tenant, run: Effective, who: People, until: date) -> Said:
    with tenant_transaction(tenant.pk):
        rows = HealthSnapshot.objects.filter(tenant=tenant, as_of=run.as_of, run_id=run.run_id)
        found = [row for row in rows.values_list(*_COLUMNS) if row[0] in who.number]
    n, day = len(found), labels.day_number(run.as_of)
    limit = run.as_of + timedelta(days=LATE)
    return Said(
        account=np.array([who.number[row[0]] for row in found], dtype=np.int64),
        day=np.full(n, day, dtype=np.int64),
        segment=np.array([who.segment[row[0]] for row in found], dtype=np.int64),
        arr=np.array([row[4] for row in found], dtype=np.float64),
        leaves_in=np.full(n, np.inf),
        seen_for=np.full(n, float(labels.day_number(until) - day)),
        p=np.array([row[1:4] for row in found], dtype=np.float64).reshape(n, 3),
        model=np.array([row[5] or 0 for row in found], dtype=np.int64),
        late=np.array([row[6].date() > limit for row in found], dtype=np.bool_),
        segments=who.segments,
    )


def _joined(parts: Sequence[Said], segments: tuple[str, ...]) -> Said:
    if not parts:
        empty, none = np.zeros(0, dtype=np.int64), np.zeros(0)
        return Said(
            empty,
            empty,
            empty,
            none,
            none,
            none,
            np.zeros((0, 3)),
            empty,
            np.zeros(0, dtype=np.bool_),
            segments,
        )
    joined = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])
        for each in fields(Said)
        if each.name != "segments"
    }
    return Said(**joined, segments=segments)
