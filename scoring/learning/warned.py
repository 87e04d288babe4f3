"""How early leavers were flagged on the tested days, and which kinds of leaving were: overall and by segment.

Every share has the interval of drawing whole accounts (scoring.engine.validation.leadtime).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine.churn.data import Stack, take
from scoring.engine.validation.leadtime import Leavers, lead_time, share
from scoring.engine.validation.measures import LEAST_EVENTS
from scoring.learning import labels
from scoring.leaving import KINDS

Floats = NDArray[np.float64]

DRAWS = 500
SHOWN = ("denominator", "left", "too_young", "never_flagged", "withdrawn", "share", "median", "precision")


def warning(
    rows: Stack, p: Floats, known: labels.Leavers, until: int, threshold: float, seed: int
) -> dict[str, Any]:
    """Lead times of 90-day chances `p` (n) at one threshold, with `segments`: {name: the same figures}.

    Counted by the tested days alone, which lie a month and more apart: weekly scoring sees more. A segment with fewer
    than LEAST_EVENTS leavers that could be seen in time shows its counts alone. A leaver that stood on no tested day
    has no segment.
    """
    found = _lead_time(rows, p, known, until, threshold, seed)
    segments = {}
    for at, name in enumerate(rows.segments):
        mine = np.flatnonzero(rows.segment == at)
        theirs = np.isin(known.account, rows.account[mine])
        one = _lead_time(take(rows, mine), p[mine], _picked(known, theirs), until, threshold, seed)
        kept = SHOWN if one["denominator"] >= LEAST_EVENTS else SHOWN[:2]
        segments[name] = {"hidden": len(kept) < len(SHOWN), **{key: one[key] for key in kept}}
    scored = [str(labels.day_of(day)) for day in np.unique(rows.day)]
    return found | {"segments": segments, "scored_days": scored}


def _picked(known: labels.Leavers, mine: NDArray[np.bool_]) -> labels.Leavers:
    return labels.Leavers(known.account[mine], known.day[mine], known.kind[mine], known.notice[mine])


def _lead_time(
    rows: Stack, p: Floats, known: labels.Leavers, until: int, threshold: float, seed: int
) -> dict[str, Any]:
    if len(rows):
        known = _picked(known, known.day >= rows.day.min())
    first: dict[int, float] = {}
    for each, day in zip(rows.account.tolist(), rows.day.tolist(), strict=True):
        first[each] = min(day, first.get(each, np.inf))
    seen = np.array([first.get(int(each), np.nan) for each in known.account], dtype=np.float64)
    gone = Leavers(known.account, known.day.astype(np.float64), known.notice, seen)
    return lead_time(
        rows.account, rows.day, p, gone, threshold=threshold, until=until, draws=DRAWS, seed=seed
    )


def kinds(
    rows: Stack, p: Floats, known: labels.Leavers, threshold: float, *, horizon: int, seed: int
) -> dict[str, Any]:
    """Of the accounts that left within the horizon of a tested day: how many of each kind were flagged on one."""
    at, found = labels.places(known, rows.account)
    left = found & (rows.leaves_in < horizon)
    kind, flagged = known.kind[at] if len(known) else np.full(len(rows), -1), p >= threshold
    made = {}
    for place, name in enumerate(KINDS):
        mine = left & (kind == place)
        accounts = np.unique(rows.account[mine])
        seen = np.isin(accounts, rows.account[mine & flagged])
        made[name] = {
            "left": int(accounts.size), "flagged": int(seen.sum()),
            "share": share(seen, accounts, draws=DRAWS, seed=seed),
        }  # fmt: skip
    return made
