"""Runs the statements in blocks of accounts and lays their answers into arrays aligned by account id."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scoring.catalogue import SOURCES
from scoring.features import statements
from scoring.features.money import Money, Rates, read_money
from scoring.features.statements.usage import edges, step
from scoring.sentiment import VERSION as LEXICON
from scoring.windows import spans
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Floats = NDArray[np.float64]
BLOCK = 10_000  # accounts a statement: keeps each well under the app role's 10 s, and memory bounded
NAMES = "_names"  # how a text figure's name ends
# sums by account stay in memory: with the server's 4 MB they are sorted instead, which takes twice as long
WORK_MEM = "SET LOCAL work_mem = '64MB'"


@dataclass
class Features:
    """The customers of one day and every raw figure about them; row n of each array is account ids[n]."""

    day: date
    ids: NDArray[np.int64]
    external_ids: list[str]
    segments: list[str]
    raw: dict[str, Floats] = field(default_factory=dict)
    windows: dict[str, int] = field(
        default_factory=dict
    )  # days by indicator, where they are not the declared ones
    names: dict[str, list[str]] = field(default_factory=dict)  # text figures, "" where there is none
    money: Money = field(default_factory=Money)
    rates: Rates = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.external_ids)

    def evidence(self) -> dict[str, Floats]:
        """What formulas read: the raw figures, and under `window.<key>` the days of each window in force."""
        days = {f"window.{key}": np.float64(each) for key, each in spans(self.windows).items()}
        return {**self.raw, **days}  # type: ignore[dict-item]  # one number stands for the same of every account


def load(
    tenant: Tenant,
    *,
    day: date,
    windows: dict[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    customers: Features | None = None,
) -> Features:
    """Everything known about each customer before `day`. Opens one short transaction a block.

    `windows`: days by indicator key, in place of the declared ones. `customers`: of the same day, so that a second
    reading is of the same accounts.
    """
    with tenant_transaction(tenant.pk):
        features = _customers(tenant, day) if customers is None else _same(customers)
        features.rates = _rates(tenant, day)
    features.windows = dict(windows or {})
    total = len(features)
    features.money = Money.empty(total)
    for first in range(0, total, BLOCK):
        with tenant_transaction(tenant.pk):
            _load_block(tenant, features, slice(first, min(first + BLOCK, total)))
        if progress is not None:
            progress(min(first + BLOCK, total), total)
    features.raw["money.arr_reporting"] = np.array(
        [np.nan if arr is None else float(arr) for arr in features.money.arr_reporting], dtype=np.float64
    )
    _add_source_spans(features)
    return features


def _parameters(tenant: Tenant, day: date, first: int = 0, last: int = 0) -> dict[str, Any]:
    return {
        "tenant": tenant.pk,
        "day": day,
        "start": datetime.combine(day, time(), UTC),
        "first": first,
        "last": last,
        **_windows({}),
        "lexicon": LEXICON,
        "currency": tenant.currency,
    }


def _windows(own: dict[str, int]) -> dict[str, Any]:
    found = spans(own)
    parts = edges(found)
    return {**found, "usage_edges": parts, "usage_step": step(parts), "usage_reach": parts[-1]}


def _customers(tenant: Tenant, day: date) -> Features:
    with connection.cursor() as cursor:
        cursor.execute(statements.CUSTOMERS, _parameters(tenant, day))
        rows = cursor.fetchall()
    features = Features(
        day,
        np.array([row[0] for row in rows], dtype=np.int64),
        [row[1] for row in rows],
        [row[2] for row in rows],
    )
    features.raw["tenure_days"] = np.array([row[3] for row in rows], dtype=np.float64)
    return features


def _same(known: Features) -> Features:
    return Features(
        known.day, known.ids, known.external_ids, known.segments, {"tenure_days": known.raw["tenure_days"]}
    )


def _rates(tenant: Tenant, day: date) -> Rates:
    with connection.cursor() as cursor:
        cursor.execute(statements.RATES, _parameters(tenant, day))
        return {tenant.currency: Decimal(1), **dict(cursor.fetchall())}


def _load_block(tenant: Tenant, features: Features, block: slice) -> None:
    ids = features.ids[block]
    # a range of ids, not a list of them: the plan is a range scan, and who is no customer is left out below
    parameters = _parameters(tenant, features.day, int(ids[0]), int(ids[-1])) | _windows(features.windows)
    with connection.cursor() as cursor:
        cursor.execute(WORK_MEM)
    for source, statement in statements.EVIDENCE.items():
        for name, values, at in _columns(statement, parameters, ids):
            if name.endswith(NAMES):
                _put_names(features, f"{source}.{name}", block.start + at, values)
                continue
            whole = features.raw.setdefault(f"{source}.{name}", np.full(len(features), np.nan))
            whole[block.start + at] = values
    customers = set(ids.tolist())
    with connection.cursor() as cursor:
        cursor.execute(statements.ARR, parameters)
        paying = [row for row in cursor.fetchall() if row[0] in customers]
    read_money(features.money, features.rates, ids, block.start, paying)


def _put_names(features: Features, name: str, places: NDArray[np.int64], texts: NDArray[Any]) -> None:
    whole = features.names.setdefault(name, [""] * len(features))
    for place, text in zip(places.tolist(), texts.tolist(), strict=True):
        whole[place] = text or ""


def _columns(
    statement: str, parameters: dict[str, Any], ids: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[Any], NDArray[np.int64]]]:
    """Each figure of the statement's answer with the places of its accounts in `ids`; NULL becomes NaN.

    A column whose name ends in NAMES is text and stays as it is.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description or ()]
        columns = list(zip(*cursor.fetchall(), strict=True)) or [() for _ in names]
    accounts = np.array(columns[0], dtype=np.int64)
    is_customer = np.isin(accounts, ids)
    at = np.searchsorted(ids, accounts[is_customer])
    for name, column in zip(names[1:], columns[1:], strict=True):
        kind = object if name.endswith(NAMES) else np.float64  # for numbers None becomes NaN
        yield name, np.array(column, dtype=kind)[is_customer], at


def _add_source_spans(features: Features) -> None:
    """How far back and how recently each source speaks of any customer: what makes silence mean something."""
    for source in SOURCES:
        for name, reduce in (
            ("rows", np.nansum),
            ("first_ago", np.fmax.reduce),
            ("last_ago", np.fmin.reduce),
        ):
            values = features.raw.get(f"{source}.{name}")
            whole = np.nan if values is None or not len(values) else reduce(values)
            features.raw[f"{source}.source_{name}"] = np.full(len(features), whole)
