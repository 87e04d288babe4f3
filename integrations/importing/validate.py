"""Checks rows and gives them their types, a column at a time. A row's first fault is the one that is reported.

The rules are those of docs/import.md; the words of a reason say what is wrong and how to write it instead.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import numpy as np
import polars as pl

from integrations.importing.format import (
    CURRENCIES,
    FIRST_DAY,
    LARGEST_USAGE,
    LAST_DAY,
    NOTES,
    SCALES,
    Column,
    File,
)
from integrations.importing.problems import FileStopped
from integrations.importing.reading import Chunk

LONGEST_SHOWN = 200
EXTRA = "+"  # stands before the name of a further metric, so that it cannot meet a column of ours
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
_WITHOUT_ZONE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"


@dataclass(frozen=True)
class Reject:
    """A row that does not land: where, what stood there, why, and the row as it was sent."""

    line: int
    column: str
    value: str
    reason: str
    row: dict[str, str]


@dataclass
class Checked:
    """The rows of a chunk that may land, typed; the others; and the keys of both, to find doubles."""

    good: pl.DataFrame  # line, then the file's columns; see Checker
    rejects: list[Reject]
    good_keys: np.ndarray[Any, Any]
    bad_keys: np.ndarray[Any, Any]
    bad_lines: np.ndarray[Any, Any]


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


@dataclass
class Checker:
    """Checks the chunks of one file, whose header it has judged."""

    file: File
    header: list[str]
    known: Callable[[str], pl.DataFrame]
    ignored: list[str] = field(default_factory=list)  # columns that nothing is done with
    unknown: list[str] = field(default_factory=list)  # columns kept as attributes or further metrics

    def __post_init__(self) -> None:
        missing = [name for name in self.file.required if name not in self.header]
        if missing:
            columns = ", ".join(missing)
            raise FileStopped(
                f"Line 1: the column {columns} is missing. Add it to the header, spelled like this."
                if len(missing) == 1
                else f"Line 1: the columns {columns} are missing. Add them to the header, spelled like this."
            )
        unknown = [name for name in self.header if name and name not in {*self.file.by_name, *NOTES}]
        if self.file.unknown == "ignore":
            self.ignored = unknown
        else:
            self.unknown = unknown
        self.ignored += [f"number {at + 1}" for at, name in enumerate(self.header) if not name]

    @property
    def present(self) -> list[Column]:
        """The known columns that this file has, in the format's order."""
        return [column for column in self.file.columns if column.name in self.header]

    def check(self, chunk: Chunk) -> Checked:
        faults = Faults(len(chunk))
        typed: dict[str, pl.Series] = {"line": chunk.line}
        for column in self.present:
            typed.update(self._typed(column, chunk.cells[column.name], faults))
        typed.update(self._unknown(chunk, faults))
        self._check_rules(typed, faults)
        keys = pl.DataFrame({name: typed[name] for name in self._key_columns()}).hash_rows(seed=7).to_numpy()
        has_key = np.ones(len(chunk), dtype=bool)
        for name in self.file.key:
            if self.file[name].required:
                has_key &= typed[name].is_not_null().to_numpy()
        bad = faults.bad
        frame = pl.DataFrame(typed)
        return Checked(
            good=frame.filter(pl.Series(~bad)) if bad.any() else frame,
            rejects=[*self._rejects(chunk, faults), *self._ragged(chunk)],
            good_keys=keys[~bad],
            bad_keys=keys[bad & has_key],
            bad_lines=chunk.line.to_numpy()[bad & has_key],
        )

    def _key_columns(self) -> list[str]:
        return [name for name in self.file.key if name in self.header]

    # --- one column -----------------------------------------------------------------------------

    def _typed(self, column: Column, cells: pl.Series, faults: Faults) -> dict[str, pl.Series]:
        name = column.name
        if column.required:
            faults.add(cells.is_null(), name, "is empty, but every row needs it. Fill it in.")
        values = _TYPES[column.kind](cells, column, faults)
        if column.names and column.kind == "id" and column.names != self.file.name:
            return self._resolved(column, values, faults)
        if column.kind == "ids":
            faults.add(
                _unknown_of_many(values, self.known(column.names)), name, _unknown_reason(column.names)
            )
        return {name: values}

    def _resolved(self, column: Column, values: pl.Series, faults: Faults) -> dict[str, pl.Series]:
        """The row that is named, by our id; to account_external_id comes account_id."""
        ids = (
            values.to_frame("external_id")
            .join(self.known(column.names), on="external_id", how="left", maintain_order="left")
            .to_series(1)
        )
        faults.add(values.is_not_null() & ids.is_null(), column.name, _unknown_reason(column.names))
        short = column.name.removesuffix("_external_id") + "_id"
        return {column.name: values, short: ids}

    def _unknown(self, chunk: Chunk, faults: Faults) -> dict[str, pl.Series]:
        if not self.unknown:
            return {}
        if self.file.unknown == "attributes":
            frame = pl.DataFrame({name: chunk.cells[name] for name in self.unknown})
            packed = [
                json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
                for row in frame.iter_rows(named=True)
            ]
            return {"attributes": pl.Series("attributes", packed, dtype=pl.String)}
        metric = Column("", "num", low=0, high=LARGEST_USAGE)
        return {EXTRA + name: _number(chunk.cells[name], metric, faults, name=name) for name in self.unknown}

    # --- rules between columns ------------------------------------------------------------------

    def _check_rules(self, typed: dict[str, pl.Series], faults: Faults) -> None:
        for first, second in self.file.in_order:
            if first in typed and second in typed:
                wrong = typed[first].cast(TIME) > typed[second].cast(TIME)
                faults.add(wrong, second, f"comes before {first}. One of the two is wrong.")
        rule = _RULES.get(self.file.name)
        if rule is not None:
            rule(typed, faults)

    # --- what is set aside ----------------------------------------------------------------------

    def _rejects(self, chunk: Chunk, faults: Faults) -> Iterable[Reject]:
        bad = faults.bad
        if not bad.any():
            return
        rows = pl.DataFrame(chunk.cells).filter(pl.Series(bad))
        lines = chunk.line.filter(pl.Series(bad))
        places = np.flatnonzero(bad)
        for place, line, row in zip(places, lines, rows.iter_rows(named=True), strict=True):
            column, reason = faults.of(int(place))
            cells = {name: cell or "" for name, cell in row.items()}
            yield Reject(line, column, cells.get(column, "")[:LONGEST_SHOWN], reason, cells)

    def _ragged(self, chunk: Chunk) -> Iterable[Reject]:
        width = len(self.header)
        for row in chunk.ragged:
            cells = {name: cell for name, cell in zip(self.header, row.cells, strict=False) if name}
            if len(row.cells) > width:
                cells["(further cells)"] = ",".join(row.cells[width:])
            reason = (
                f"The row has {len(row.cells)} cells, the header has {width}. "
                "Put text that holds a comma into quotes, and keep empty cells."
            )
            yield Reject(row.line, "", ",".join(row.cells)[:LONGEST_SHOWN], reason, cells)


# --- types: each gives the typed column and adds the faults of the cells that do not fit -----------


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


def _number(cells: pl.Series, column: Column, faults: Faults, *, name: str = "") -> pl.Series:
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
        faults.add(wrong & cells.str.contains(_WITHOUT_ZONE), column.name, _NO_ZONE)
        faults.add(wrong, column.name, _HOW["time"])
    return values


def _ids(cells: pl.Series, column: Column, faults: Faults) -> pl.Series:
    """Ids separated by semicolons; empty ones between two of them are nothing."""
    values = cells.str.split(";").list.eval(pl.element().filter(pl.element() != ""))
    longest = values.list.eval(pl.element().str.len_chars()).list.max()
    faults.add(longest > 200, column.name, "holds an id of more than 200 characters. Put ; between ids.")
    return values


_TYPES: dict[str, Callable[[pl.Series, Column, Faults], pl.Series]] = {
    "id": _text, "text": _text, "email": _email, "int": _int, "num": _number, "money": _money, "bool": _bool,
    "date": _date, "day": _day, "time": _time, "currency": _currency, "ids": _ids, "word": _word, "zone": _zone,
    "language": _language,
}  # fmt: skip


def _unknown_reason(file: str) -> str:
    return f"names nothing in {file}.csv, now or earlier. Send that row first, or mend the id."


def _unknown_of_many(values: pl.Series, known: pl.DataFrame) -> pl.Series:
    """Which rows hold an id that is not known."""
    rows = pl.DataFrame({"row": pl.arange(0, len(values), eager=True), "external_id": values})
    lost = rows.explode("external_id").drop_nulls().join(known, on="external_id", how="anti")["row"].unique()
    mask = np.zeros(len(values), dtype=bool)
    mask[lost.to_numpy()] = True
    return pl.Series(mask)


# --- rules of single files -------------------------------------------------------------------------


LARGEST_ENTRY = 2400  # bytes: an entry of an index may have 2,704, and carries ids beside these


def _account_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    faults.add(typed["name"].str.len_bytes() > LARGEST_ENTRY, "name", "is too long for a name. Shorten it.")


def _usage_detail_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    parts = [typed[name].str.len_bytes().fill_null(0) for name in ("product", "feature") if name in typed]
    if parts:
        size = sum(parts[1:], parts[0])
        faults.add(size > LARGEST_ENTRY - 800, "feature", "is too long a name, with its product. Shorten it.")


def _survey_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    for kind, (low, high) in SCALES.items():
        off = (typed["kind"] == kind) & ~typed["score"].is_between(low, high)
        faults.add(off, "score", f"is not on the scale of {kind}, {low} to {high}.")


def _ticket_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    if "csat" in typed and "closed_at" in typed:
        wrong = typed["csat"].is_not_null() & typed["closed_at"].is_null()
        faults.add(
            wrong, "csat", "is there, but closed_at is empty. A rating counts from the ticket's close."
        )


def _opportunity_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    if "won" in typed and "closed_at" in typed:
        won, closed = typed["won"].is_not_null(), typed["closed_at"].is_not_null()
        faults.add(won & ~closed, "won", "is there, but closed_at is empty. Fill in both or neither.")
        faults.add(closed & ~won, "closed_at", "is there, but won is empty. Fill in both or neither.")


_RULES: dict[str, Callable[[dict[str, pl.Series], Faults], None]] = {
    "accounts": _account_rules,
    "usage_detail": _usage_detail_rules,
    "surveys": _survey_rules,
    "tickets": _ticket_rules,
    "opportunities": _opportunity_rules,
}
