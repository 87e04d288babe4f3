"""The types of cells: each gives the typed column and notes the cells that do not fit, with how to write them."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import numpy as np
import polars as pl

from integrations.importing.columns import FIRST_DAY, LAST_DAY, Column
from integrations.importing.currencies import CURRENCIES

TIME = pl.Datetime("us", "UTC")
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
_PATTERNS = {
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "int": r"^-?[0-9]+$",
    "num": r"^-?[0-9]+(\.[0-9]+)?$",
    "money": r"^-?[0-9]+(\.[0-9]{1,4})?$",
    "email": r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+$",
    "language": r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*|[xX](-[A-Za-z0-9]{1,8})+)$",
}
_HOW = {
    "date": "is no date. Write it as 2026-03-01.",
    "day": "is no date. Write it as 2026-03-01.",
    "int": "is no whole number. Write digits alone, such as 250.",
    "num": "is no number. Write it with a dot, such as 12.5.",
    "money": "is no amount. Write it with a dot and at most 4 decimals, such as 1250.50, the currency beside it.",
    "bool": "is neither true nor false. Write true or false.",
    "email": "is no e-mail address. Write one address, such as ana@example.com.",
    "currency": "is no ISO 4217 currency. Write its three capital letters, such as EUR.",
    "zone": "is no IANA time zone. Write its name, such as Europe/Berlin.",
    "language": "is no language tag (BCP 47). Write it as de or pt-BR.",
    "time": "is no time. Write it as 2026-03-01T09:30:00Z.",
}
_NO_ZONE = "has no time zone. Write it as 2026-03-01T09:30:00Z, or with an offset such as +01:00."
_NO_DAY = "is no date: there is no such day. Write it as 2026-03-01T09:30:00Z."
_WITHOUT_ZONE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"


class Faults:
    """The first fault of each row of a chunk."""

    def __init__(self, rows: int) -> None:
        self._which = np.full(rows, -1, dtype=np.int32)
        self._kinds: list[tuple[str, str]] = []

    def add(self, wrong: pl.Series, column: str, reason: str) -> None:
        mask = wrong.fill_null(False).to_numpy()
        if mask.any():
            self._which[mask & (self._which < 0)] = len(self._kinds)
            self._kinds.append((column, reason))

    @property
    def bad(self) -> np.ndarray[Any, Any]:
        return self._which >= 0

    def of(self, row: int) -> tuple[str, str]:
        return self._kinds[int(self._which[row])]


def _matches(cells: pl.Series, kind: str) -> pl.Series:
    return cells.str.contains(_PATTERNS[kind])


def _text(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    long = cells.str.len_chars() > column.longest
    faults.add(long, column.name, f"is longer than {column.longest:,} characters. Shorten it.")
    return cells


def _email(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    faults.add(~_matches(cells, "email"), column.name, _HOW["email"])
    return _text(cells, column, faults)


def _language(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    faults.add(~_matches(cells, "language"), column.name, _HOW["language"])
    return _text(cells, column, faults)


def _word(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    wrong = cells.is_not_null() & ~cells.is_in(list(column.words))
    faults.add(wrong, column.name, f"is not allowed here. Write one of: {', '.join(column.words)}.")
    return cells


def _currency(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    faults.add(cells.is_not_null() & ~cells.is_in(sorted(CURRENCIES)), column.name, _HOW["currency"])
    return cells


@cache
def _zones() -> list[str]:
    return sorted(available_timezones())


def _zone(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    faults.add(cells.is_not_null() & ~cells.is_in(_zones()), column.name, _HOW["zone"])
    return cells


def _bool(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    faults.add(cells.is_not_null() & ~cells.is_in(["true", "false"]), column.name, _HOW["bool"])
    return cells == "true"


def _int(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    values = cells.cast(pl.Int64, strict=False)
    matches = _matches(cells, "int")
    faults.add(~matches, column.name, _HOW["int"])
    faults.add(matches & values.is_null(), column.name, "is too large a number. Write a smaller one.")
    return _in_range(values, column, faults, column.name)


def number(cells: pl.Series, column: Column, faults: Faults, *, name: str = "") -> pl.Series:
    """A measure may also be written like 1.2e6; any other number with digits and a dot."""
    name = name or column.name
    values = cells.cast(pl.Float64, strict=False)
    wrong = cells.is_not_null() & (values.is_null() | values.is_nan())
    if column.low is None:
        wrong = wrong | ~_matches(cells, "num")
    faults.add(wrong | cells.str.contains("^[+-]?[iI]"), name, _HOW["num"])
    faults.add(values.is_infinite(), name, "is too large a number. Write a smaller one.")
    return _in_range(values, column, faults, name)


def _money(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    right = _matches(cells, "money")
    faults.add(~right, column.name, _HOW["money"])
    values = cells.cast(pl.Decimal(38, 4), strict=False)
    faults.add(right & values.is_null(), column.name, "is too large an amount. Write a smaller one.")
    return _in_range(values, column, faults, column.name)


def _in_range(values: pl.Series, column: Column, faults: Faults, name: str) -> pl.Series:
    if column.low is not None:
        reason = (
            "is negative. Write it as zero or more, or leave it empty." if column.low == 0 else _span(column)
        )
        faults.add(values < column.low, name, reason)
    if column.high is not None:
        faults.add(values > column.high, name, f"is more than {column.high:,.0f}, the most that is taken.")
    return values


def _span(column: Column) -> str:
    return f"is too small. Write a number from {column.low:,.0f} to {column.high:,.0f}."


def _date(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    values = cells.str.to_date("%Y-%m-%d", strict=False)
    right = _matches(cells, "date") & values.is_between(_EARLIEST.date(), _LATEST.date())
    faults.add(cells.is_not_null() & ~right.fill_null(False), column.name, _HOW["date"])
    return values


def _day(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    values = _date(cells, column, faults)
    reason = f"is no day from {FIRST_DAY} to {LAST_DAY}. Write the day of the usage."
    faults.add(~values.is_between(FIRST_DAY, LAST_DAY), column.name, reason)
    return values


def _time(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    values = cells.str.replace("Z$", "+00:00").str.to_datetime(
        format="%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False
    )
    right = _matches(cells, "time") & values.is_between(_EARLIEST, _LATEST)
    wrong = cells.is_not_null() & ~right.fill_null(False)
    if wrong.any():
        day = cells.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        without = wrong & cells.str.contains(_WITHOUT_ZONE)
        faults.add(without & day.is_null(), column.name, _NO_DAY)
        faults.add(without, column.name, _NO_ZONE)
        faults.add(wrong, column.name, _HOW["time"])
    return values


def _ids(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    """Ids separated by semicolons; empty ones between two of them are nothing."""
    values = cells.str.split(";").list.eval(pl.element().filter(pl.element() != ""))
    longest = values.list.eval(pl.element().str.len_chars()).list.max()
    faults.add(longest > 200, column.name, "holds an id of more than 200 characters. Put ; between ids.")
    return values


TYPES: dict[str, Callable[[pl.Series, Column, Faults], pl.Series]] = {
    "id": _text, "text": _text, "email": _email, "int": _int, "num": number, "money": _money, "bool": _bool,
    "date": _date, "day": _day, "time": _time, "currency": _currency, "ids": _ids, "word": _word, "zone": _zone,
    "language": _language,
}  # fmt: skip


def unknown_reason(file: str) -> str:
    return f"names nothing in {file}.csv, now or earlier. Send that row first, or mend the id."


def unknown_of_many(values: pl.Series, known: pl.DataFrame) -> pl.Series:
    """Which rows hold an id that is not known."""
    rows = pl.DataFrame({"row": pl.arange(0, len(values), eager=True), "external_id": values})
    lost = rows.explode("external_id").drop_nulls().join(known, on="external_id", how="anti")["row"].unique()
    mask = np.zeros(len(values), dtype=bool)
    mask[lost.to_numpy()] = True
    return pl.Series(mask)
