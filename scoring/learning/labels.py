"""Who left, when and how, from what was known before a day (docs/import.md, "Time travel").

"Leaves within h days of D" is a churn in [D 00:00, D + h) UTC, so whole days to leaving run from 0 to h - 1. The kinds
of leaving are kept apart; a downgrade is counted beside them and is never a leaving.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scoring.engine.churn.data import Stack
from scoring.leaving import FACTS, KINDS, TERM, kind_of
from tenants.models import Tenant

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EPOCH = date(1970, 1, 1)

# Notice and payments count only where they were known before the day; of two churned rows of an account the first one.
_GONE = {"account": "gone.account_id", "at": "gone.effective_at", "day": "gone.day"}
_LEAVERS = f"""
WITH gone AS (
    SELECT DISTINCT ON (account_id) account_id, effective_at, (effective_at AT TIME ZONE 'UTC')::date AS day, reason
    FROM accounts_outcome
    WHERE tenant_id = %(tenant)s AND kind = 'churned' AND effective_at < %(start)s
    ORDER BY account_id, effective_at, external_id
)
SELECT a.external_id, gone.day, gone.reason,
       {FACTS.format(known="%(start)s", **_GONE)}
FROM gone
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = gone.account_id
{TERM.format(**_GONE)}
"""  # noqa: S608  constants of this module and of scoring.leaving

_DOWNGRADES = """
SELECT count(*) FROM accounts_outcome
WHERE tenant_id = %(tenant)s AND kind = 'downgraded' AND effective_at < %(start)s AND effective_at >= %(since)s
"""


@dataclass(frozen=True)
class Leavers:
    """The accounts that left before a day; row n of each array is one of them. Days count from 1970-01-01."""

    account: Ints  # as account_numbers has it, ascending
    day: Ints
    kind: Ints  # place in KINDS
    notice: Floats  # the day notice was given, NaN where none was

    def __len__(self) -> int:
        return len(self.account)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    return date.fromordinal(_EPOCH.toordinal() + int(number))


def account_numbers(external_ids: Sequence[str]) -> Ints:
    """A number an account that is the same in every import: folds and draws must not hang on database ids."""
    digests = (hashlib.blake2b(each.encode(), digest_size=8).digest() for each in external_ids)
    return np.array([int.from_bytes(each, "big") >> 1 for each in digests], dtype=np.int64)


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def leavers(tenant: Tenant, *, before: date) -> Leavers:
    """Everybody who left before that day began. Needs the tenant's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LEAVERS, {"tenant": tenant.pk, "start": start_of(before)})
        rows = cursor.fetchall()
    account = account_numbers([row[0] for row in rows])
    order = np.argsort(account)
    return Leavers(
        account[order],
        np.array([day_number(row[1]) for row in rows], dtype=np.int64)[order],
        np.array([KINDS.index(kind_of(*row[1:])) for row in rows], dtype=np.int64)[order],
        np.array([np.nan if row[4] is None else day_number(row[4]) for row in rows], dtype=np.float64)[order],
    )


def label(stack: Stack, *, known: Leavers, until: date) -> Stack:
    """The same observations with what became of them: days to leaving (inf: not seen to), days that are known."""
    leaves_in = np.full(len(stack.day), np.inf)
    at, found = places(known, stack.account)
    leaves_in[found] = known.day[at[found]] - stack.day[found]
    return replace(stack, leaves_in=leaves_in, seen_for=(day_number(until) - stack.day).astype(np.float64))


def places(known: Leavers, account: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """(place among the leavers, whether it is one) of each account; the place means nothing for the others."""
    if not len(known):
        return np.zeros(len(account), dtype=np.int64), np.zeros(len(account), dtype=np.bool_)
    at = np.minimum(np.searchsorted(known.account, account), len(known) - 1)
    return at, known.account[at] == account


def downgrades(tenant: Tenant, *, since: date, before: date) -> int:
    """How many contracts shrank in between: told beside the leavers, never one of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DOWNGRADES, {"tenant": tenant.pk, "start": start_of(before), "since": start_of(since)}
        )
        return int(cursor.fetchone()[0])


def counts(known: Leavers, *, since: date) -> dict[str, int]:
    """Leavers from that day on, by kind."""
    seen = known.day >= day_number(since)
    return {kind: int(((known.kind == at) & seen).sum()) for at, kind in enumerate(KINDS)}
