"""What flags would have done over the days of the past: churn seen in time, false alarms, alerts, money of both.

Flags and warning by the one rule of `scoring.flagging`, as the back-test has them; a scoring that says nothing changes
nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine.validation.intervals import wilson
from scoring.engine.validation.leadtime import flags
from scoring.flagging import went_up

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ABSENT, SILENT, CALM, BETWEEN, FLAGGED = range(
    -2, 3
)  # no snapshot; one that says nothing; not flagged; neither
LEAST_WARNING = 30  # days: less is too little to act on
WANTED_WARNING = 60
HORIZON = 90  # a flag was right when its account left within so many days


@dataclass(frozen=True)
class Past:
    """The scored days: n accounts (ids ascending) x m days (since 1970-01-01, ascending)."""

    accounts: Ints
    days: Ints
    arr: Floats  # n x m, in the tenant's currency; NaN unknown
    owner: Ints  # n; number of the CSM, -1 nobody


@dataclass(frozen=True)
class Gone:
    """Accounts that left and were scored before: row in Past, last day on which a warning counted, leaving."""

    row: Ints
    end: Floats  # the notice, or the leaving
    left: Floats


@dataclass(frozen=True)
class Alerts:
    """Flags over the past: n x m."""

    on: Bools
    raised: Bools  # the scoring at which a flag went up
    kept: Bools  # of those, the ones that reach somebody


def alerts(past: Past, states: Ints, *, a_week: int | None = None, first: Floats | None = None) -> Alerts:
    """`states`: n x m of ABSENT to FLAGGED. With `a_week`, a CSM gets no more new flags a week, the largest `first`."""
    account = np.repeat(past.accounts, past.days.size)
    day = np.tile(past.days, past.accounts.size)
    p = np.where(states < CALM, np.nan, states).astype(np.float64).ravel()
    return rises(past, flags(account, day, p, on=FLAGGED, off=BETWEEN).on, a_week=a_week, first=first)


def rises(past: Past, on: Bools, *, a_week: int | None = None, first: Floats | None = None) -> Alerts:
    """Where `on` (n x m) begins, and what of it reaches somebody; what stands on the first day begins there."""
    raised = on & ~np.c_[np.zeros(len(on), dtype=np.bool_), on[:, :-1]]
    kept = raised if a_week is None else _largest(past, raised, a_week, past.arr if first is None else first)
    return Alerts(on, raised, kept)


def _largest(past: Past, raised: Bools, a_week: int, first: Floats) -> Bools:
    """Of the flags raised for a CSM in a week, the `a_week` with the largest `first`; ties by account."""
    row, column = np.nonzero(raised)
    week = (past.days[column] + 3) // 7  # weeks begin on Monday; 1970-01-01 was a Thursday
    size = np.nan_to_num(first[row, column], nan=-1.0)
    order = np.lexsort((row, -size, past.owner[row], week))
    kept = np.zeros_like(raised)
    seen: dict[tuple[int, int], int] = {}
    for at in order.tolist():
        key = int(week[at]), int(past.owner[row[at]])
        seen[key] = seen.get(key, 0) + 1
        kept[row[at], column[at]] = seen[key] <= a_week
    return kept


def find_gone(past: Past, states: Ints, *, account: Ints, left: Floats, notice: Floats, until: int) -> Gone:
    """Those who left by `until` and had a snapshot before their last day. `account` is as in past.accounts."""
    place = np.searchsorted(past.accounts, account)
    known = (place < past.accounts.size) & (left <= until)
    known[known] = past.accounts[place[known]] == account[known]
    end = np.where(np.isnan(notice), left, np.fmin(notice, left))
    row, end, left = place[known], end[known], left[known]
    seen = _seen_from(past, states, row) < end
    return Gone(row[seen], end[seen], left[seen])


def _seen_from(past: Past, states: Ints, row: Ints) -> Floats:
    """First day with a snapshot; infinity for none."""
    there = states[row] > ABSENT
    first = past.days[there.argmax(axis=1)].astype(np.float64)
    return np.where(there.any(axis=1), first, np.inf)


def warning(past: Past, told: Alerts, gone: Gone) -> Floats:
    """Days of warning of each who left; 0 where no flag that reached somebody stood at the end."""
    days = np.zeros(gone.row.size)
    for at, (row, end) in enumerate(zip(gone.row.tolist(), gone.end.tolist(), strict=True)):
        before = int(np.searchsorted(past.days, end))  # scorings of days before the end
        start = went_up(told.on[row, :before].tolist())
        if start is not None and told.kept[row, start]:
            days[at] = end - past.days[start]
    return days


def figures(past: Past, states: Ints, told: Alerts, gone: Gone, *, until: int) -> dict[str, Any]:
    """The figures of one policy as JSON; shares carry n and Wilson's 95 % interval."""
    warned = warning(past, told, gone)
    could = gone.end - _seen_from(past, states, gone.row)
    caught, early = could >= LEAST_WARNING, could >= WANTED_WARNING
    right, row, column = _closed(past, told, gone, until)
    arr = _last_arr(past)[gone.row]
    is_caught = warned >= LEAST_WARNING
    count = int(told.kept.sum())
    return {
        "caught": _share(is_caught[caught]),
        "early": _share((warned >= WANTED_WARNING)[early]),
        "lead_median": float(np.median(warned[early])) if early.any() else None,
        "false": _share(~right),
        "alerts": count,
        "per_csm_week": count / (csms(past) * weeks(past)),
        "caught_arr": _sum(arr[caught & is_caught]),
        "missed_arr": _sum(arr[caught & ~is_caught]),
        "false_arr": _sum(past.arr[row, column][~right]),
    }


def csms(past: Past) -> int:
    return max(int(np.unique(past.owner[past.owner >= 0]).size), 1)


def weeks(past: Past) -> float:
    """Of the days between the first and the last scoring; at least one."""
    return max(float(past.days[-1] - past.days[0]) / 7, 1.0)


def _closed(past: Past, told: Alerts, gone: Gone, until: int) -> tuple[Bools, Ints, Ints]:
    """(right, row, column) of flags that were raised HORIZON days or more before `until`, and before the leaving."""
    left = np.full(past.accounts.size, np.inf)
    left[gone.row] = gone.left
    row, column = np.nonzero(told.kept)
    start = past.days[column]
    closed = (start + HORIZON <= until) & (start < left[row])
    row, column, start = row[closed], column[closed], start[closed]
    return left[row] - start < HORIZON, row, column


def _last_arr(past: Past) -> Floats:
    """The newest known ARR of each account; NaN where none was."""
    known = ~np.isnan(past.arr)
    last = past.days.size - 1 - known[:, ::-1].argmax(axis=1)
    found: Floats = np.where(known.any(axis=1), past.arr[np.arange(len(last)), last], np.nan)
    return found


def _sum(values: Floats) -> float:
    return float(np.nansum(values)) if values.size else 0.0


def _share(hits: Bools) -> dict[str, Any]:
    n, found = int(hits.size), int(hits.sum())
    low, high = wilson(found, n)
    return {"value": found / n if n else None, "low": low, "high": high, "n": n, "events": found}
