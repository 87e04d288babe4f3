"""The stored snapshots of the last 12 months as arrays, day by day: only jobs read them. Evidence is not read again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from accounts.models import Account
from accounts.queries import visible_accounts
from scoring import queries
from scoring.breakdown import LAYOUTS
from scoring.learning import labels
from scoring.learning.replay import ABSENT, Gone, Past, find_gone
from tenants.models import Tenant
from tenants.queries import member
from tenants.scoping import tenant_transaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WATCHED_DAYS = 365

_LAYOUTS = """
SELECT h.as_of, h.run_id, coalesce(h.layout, 0), count(*), count(h.p90)
FROM scoring_health_snapshot h
WHERE h.tenant_id = %(tenant)s AND h.as_of BETWEEN %(first)s AND %(last)s AND h.run_id = ANY(%(runs)s)
GROUP BY 1, 2, 3 ORDER BY 1, 3
"""
_DAY = """
SELECT h.account_id, h.arr_reporting, {columns}
FROM scoring_health_snapshot h
WHERE h.tenant_id = %(tenant)s AND h.as_of = %(day)s AND h.run_id = %(run)s AND {which}
"""


@dataclass(frozen=True)
class Part:
    """The snapshots of one day that have one layout (0: from before layouts)."""

    day: date
    run_id: int
    layout: int
    rows: int
    chances: int  # of those, the ones with a chance


@dataclass(frozen=True)
class History:
    """Which snapshots there are, and whose they are. Accounts are in the order of their ids."""

    newest: date
    parts: Sequence[Part]
    accounts: Ints
    segments: Sequence[str]
    names: Sequence[str]
    owner: Ints  # -1: nobody
    external_ids: Sequence[str]
    named: NDArray[np.bool_]  # whom the lists of a replay may name

    def blank(self, days: Sequence[date]) -> tuple[Ints, Floats]:
        """(states, ARR) of every account and day, nothing known yet."""
        shape = (self.accounts.size, len(days))
        return np.full(shape, ABSENT, dtype=np.int64), np.full(shape, np.nan)

    def past(self, days: Sequence[date], arr: Floats) -> Past:
        return Past(self.accounts, numbers(days), arr, self.owner)


def numbers(days: Sequence[date]) -> Ints:
    return np.array([labels.day_number(day) for day in days], dtype=np.int64)


def load_history(tenant: Tenant, *, viewer_id: int | None = None) -> History | None:
    """The last 12 months up to the newest scored day; None for a tenant that was never scored.

    With a member's id, the lists of a replay may name only the accounts that this member sees now.
    """
    with tenant_transaction(tenant.pk):
        newest = queries.latest_as_of(tenant)
        if newest is None:
            return None
        first = newest - timedelta(days=WATCHED_DAYS)
        runs = [run.run_id for run in queries.effective_runs(tenant, since=first, until=newest)]
        values: dict[str, Any] = {"tenant": tenant.pk, "first": first, "last": newest, "runs": runs}
        with connection.cursor() as cursor:
            cursor.execute(_LAYOUTS, values)
            parts = [Part(*row) for row in cursor.fetchall()]
        columns = ("pk", "segment", "name", "owner_email", "external_id")
        rows = list(Account.objects.for_tenant(tenant).order_by("pk").values_list(*columns))
        seen = None if viewer_id is None else _seen(tenant, viewer_id)
    ids, segments, names, owners, external_ids = zip(*rows, strict=True) if rows else ([], [], [], [], [])
    known = {each: at for at, each in enumerate(sorted({each for each in owners if each}))}
    known_ids = np.array(ids, dtype=np.int64)
    return History(
        newest=newest,
        parts=parts,
        accounts=known_ids,
        segments=list(segments),
        names=list(names),
        owner=np.array([known.get(each, -1) for each in owners], dtype=np.int64),
        external_ids=list(external_ids),
        named=np.ones(len(ids), dtype=np.bool_) if seen is None else np.isin(known_ids, seen),
    )


def _seen(tenant: Tenant, viewer_id: int) -> Ints:
    viewer = member(tenant, membership_id=viewer_id)
    ids = visible_accounts(tenant, viewer).order_by().values_list("pk", flat=True) if viewer else []
    return np.array(list(ids), dtype=np.int64)


def read_part(
    tenant: Tenant, history: History, part: Part, *, columns: Sequence[str], which: str
) -> tuple[Ints, Floats, Floats]:
    """(rows of history.accounts, ARR, n x columns) of one day's snapshots. `columns` and `which` are our own SQL."""
    statement = _DAY.format(columns=", ".join(columns), which=which)
    values: dict[str, Any] = {
        "tenant": tenant.pk, "day": part.day, "run": part.run_id, "layout": part.layout,
    }  # fmt: skip
    with tenant_transaction(tenant.pk), connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, len(columns) + 2)
    ids = found[:, 0].astype(np.int64)
    return np.searchsorted(history.accounts, ids), found[:, 1], found[:, 2:]


def value_columns(layout: int, keys: Sequence[str]) -> list[str]:
    """The values of these indicators in snapshots of that layout; NULL for one that came later."""
    places = {key: at for at, key in enumerate(LAYOUTS[layout], start=1)}
    return [f"h.values[{places[key]}]" if key in places else "NULL::float8" for key in keys]


def gone(tenant: Tenant, history: History, past: Past, states: Ints) -> Gone:
    """Who left by the newest day, from what was known then."""
    with tenant_transaction(tenant.pk):
        known = labels.leavers(tenant, before=history.newest)
    place, found = labels.places(known, labels.account_numbers(history.external_ids))
    left = known.day[place[found]].astype(np.float64) if len(known) else np.empty(0)
    notice = known.notice[place[found]] if len(known) else np.empty(0)
    until = labels.day_number(history.newest)
    return find_gone(past, states, account=history.accounts[found], left=left, notice=notice, until=until)


def each_part(parts: Sequence[Part], progress: Callable[..., None]) -> Any:
    """The parts, telling how far it is."""
    for at, part in enumerate(parts):
        progress(at, len(parts), "Replaying the last 12 months")
        yield part
