"""What each account pays: ARR in its own currency and in the tenant's, by dated rates, never 1:1 (DECISIONS 26)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rates = dict[str, Decimal]
CENT = Decimal("0.0001")


@dataclass
class Money:
    """One entry an account. `arr` None: not known; `arr_reporting` None: not known, or a rate is missing."""

    arr: list[Decimal | None] = field(default_factory=list)
    currency: list[str] = field(default_factory=list)
    arr_reporting: list[Decimal | None] = field(default_factory=list)
    renewal_date: list[date | None] = field(default_factory=list)
    missing_rates: set[str] = field(default_factory=set)

    @classmethod
    def empty(cls, size: int) -> "Money":
        return cls([None] * size, [""] * size, [None] * size, [None] * size)


def read_money(
    money: Money, rates: Rates, ids: NDArray[np.int64], offset: int, rows: Sequence[Sequence[Any]]
) -> None:
    """Fill in the accounts of one block from rows (account, currency, arr, renewal date, largest term, last end)."""
    for account, group in groupby(rows, key=lambda row: row[0]):
        parts = list(group)
        at = offset + int(np.searchsorted(ids, account))
        active = [part for part in parts if part[2] is not None]
        # the currency of the largest active term; without one, of the term that ended last
        main = (
            max(active, key=lambda part: (part[4], part[1]))
            if active
            else max(parts, key=lambda part: (part[5], part[1]))
        )
        money.currency[at], money.renewal_date[at] = main[1], main[3]
        money.arr[at], money.arr_reporting[at] = _totals(money, rates, main[1], active)


def _totals(
    money: Money, rates: Rates, currency: str, active: list[Sequence[Any]]
) -> tuple[Decimal | None, Decimal | None]:
    """ARR in the account's currency and in the tenant's. Terms in another currency need both rates."""
    unknown = {part[1] for part in active if part[1] not in rates}
    if currency not in rates:
        unknown.add(currency)
    own = sum((part[2] for part in active if part[1] == currency), Decimal(0))
    others = [part for part in active if part[1] != currency]
    if unknown:
        money.missing_rates |= unknown
        return (None if others else own), None
    reporting = sum((part[2] * rates[part[1]] for part in active), Decimal(0))
    total = own + sum((part[2] * rates[part[1]] / rates[currency] for part in others), Decimal(0))
    return total.quantize(CENT), reporting.quantize(CENT)
