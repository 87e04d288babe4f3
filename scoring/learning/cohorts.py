"""How long groups of customers stayed: Kaplan-Meier curves, log-rank tests, for every reach that somebody reads.

Everybody is followed from the same day, or from joining if that was later, until leaving; who is still there at the
end is censored. So nobody's time before leavings were recorded counts, in which only those who stayed could be seen
(left truncation; Klein and Moeschberger 2003, 4.6). Groups are those of the day somebody began to be followed, as far
as that is known. Sources: SCORING.md b; engine.validation.survival.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.cohorts import queries
from scoring.engine.validation import compare, holm, kaplan_meier, logrank_all
from scoring.learning import landmarks
from scoring.learning.training import plain
from scoring.why.cohorts import KINDS, TENURES
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Tell = Callable[[int, int, str], None]

DAYS = 730  # followed at most
LEAST = 20  # customers of a group, below which nothing is told of it
AT_RISK = 10  # a curve ends when fewer are left to be seen
MOST = 8  # groups of a dimension, the largest ones
TICKS = (90, 180, 365, 545, 730)
WEEK = 7


@dataclass(frozen=True)
class Followed:
    """n customers: days until leaving or the end, whether they left, and their group in each dimension."""

    account: NDArray[np.int64]
    days: Floats
    left: Bools
    groups: dict[str, NDArray[Any]]  # a name each; "" where it is not known

    def __len__(self) -> int:
        return len(self.days)

    def pick(self, rows: Bools) -> "Followed":
        groups = {kind: names[rows] for kind, names in self.groups.items()}
        return Followed(self.account[rows], self.days[rows], self.left[rows], groups)


def reports(tenant: Tenant, *, as_of: date, tell: Tell) -> dict[str, dict[str, Any]]:
    """Figures of every reach by its key, for JSON. Opens its own short transactions."""
    tell(0, 1, "Reading who stayed")
    with tenant_transaction(tenant.pk):
        span = landmarks.plan(tenant, as_of=as_of, most=0)
        readers = queries.readers(tenant)
        since = max(span.since, span.until - timedelta(days=DAYS)) if span.since else None
        rows = queries.followed(tenant, since=since, until=span.until) if since else []
    everybody = followed_of(rows)
    facts = {"from": since, "until": span.until}
    made = {queries.EVERYTHING: plain(facts | report(everybody))}
    for at, (reach, reader) in enumerate(readers.items()):
        tell(at, len(readers), "Working out what each scope sees")
        with tenant_transaction(tenant.pk):
            seen = np.fromiter(queries.seen_by(tenant, reader), dtype=np.int64)
        made[reach] = plain(facts | report(everybody.pick(np.isin(everybody.account, seen))))
    return made


def followed_of(rows: Iterable[tuple[Any, ...]]) -> Followed:
    """`queries.followed` as arrays."""
    rows = list(rows)
    named = {
        "industry": [row[1] for row in rows],
        "segment": [row[2] for row in rows],
        "plan": [row[3] for row in rows],
        "tenure": [TENURES[0 if row[4] < 365 else 1 if row[4] < 1095 else 2] for row in rows],
    }
    return Followed(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[5] for row in rows], dtype=np.float64),
        np.array([row[6] for row in rows], dtype=np.bool_),
        {kind: np.array(named[kind], dtype=object) for kind in KINDS},
    )


def report(rows: Followed) -> dict[str, Any]:
    """Curves of all and of each dimension's groups, with the tests."""
    dimensions = {kind: dimension(rows, rows.groups[kind]) for kind in KINDS}
    tested = [each["test"] for each in dimensions.values() if each["test"] is not None]
    for test, adjusted in zip(tested, holm([each["p"] for each in tested]), strict=True):
        test |= {"p_holm": adjusted, "questions": len(tested)}
    return {
        "n": len(rows),
        "left": int(rows.left.sum()),
        "all": curve("", rows.days, rows.left) if len(rows) >= LEAST else None,
        "dimensions": dimensions,
    }


def dimension(rows: Followed, names: NDArray[Any]) -> dict[str, Any]:
    """The largest groups' curves, one test over them, every pair; what is hidden only as a count."""
    found, counts = np.unique(names[names != ""].astype(str), return_counts=True)
    order = np.lexsort((found, -counts))
    large = [str(found[at]) for at in order if counts[at] >= LEAST]
    shown = {name: (rows.days[names == name], rows.left[names == name]) for name in large[:MOST]}
    test = logrank_all(shown)
    tested = [each["name"] for each in test["cohorts"]] if test else []
    return {
        "groups": [curve(name, *each) for name, each in shown.items()],
        "small": len(found) - len(large),
        "more": len(large) - len(shown),
        "unknown": int((names == "").sum()),
        "test": test,
        "pairs": compare({name: shown[name] for name in tested}) if len(tested) > 2 else [],
    }


def curve(name: str, days: Floats, left: Bools) -> dict[str, Any]:
    """One group: its steps up to the day on which fewer than AT_RISK are left, and its figures at the ticks.

    A step is [day, still there, low, high]; an interval is None while nobody has left.
    """
    ends = float(np.sort(days)[::-1][min(AT_RISK, len(days)) - 1])
    steps = [each for each in kaplan_meier(days, left) if each["time"] <= ends]
    censored = np.unique(np.ceil(days[~left] / WEEK) * WEEK)
    return {
        "name": name,
        "n": len(days),
        "left": int(left.sum()),
        "ends": ends,
        "steps": [
            [each["time"], *(_short(each[key]) for key in ("survival", "low", "high"))] for each in steps
        ],
        "censored": [float(each) for each in censored if each <= ends],
        "at": [_at(tick, days, left, steps) for tick in TICKS if tick <= ends],
    }


def _at(tick: int, days: Floats, left: Bools, steps: list[dict[str, Any]]) -> dict[str, Any]:
    last = next((each for each in reversed(steps) if each["time"] <= tick), None)
    figures = {key: _short(last[key]) if last else None for key in ("low", "high")}
    return {
        "day": tick,
        "still": _short(last["survival"]) if last else 1.0,
        **figures,
        "at_risk": int((days >= tick).sum()),
        "left": int((left & (days <= tick)).sum()),
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
