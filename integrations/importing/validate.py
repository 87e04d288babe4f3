"""Checks rows and gives them their types, a column at a time. A row's first fault is the one that is reported.

The rules are those of docs/import.md; the words of a reason say what is wrong and how to write it instead.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from integrations.importing.celltypes import TIME, TYPES, Faults, number, unknown_of_many, unknown_reason
from integrations.importing.columns import FURTHER, LARGEST_USAGE, PASSED_OVER, Column, File
from integrations.importing.problems import FileStopped
from integrations.importing.reading import Chunk
from integrations.importing.rules import RULES

LONGEST_SHOWN = 200
MOST_METRICS = 500  # what one staged row can hold beside the known ones
EXTRA = "+"  # stands before the name of a further metric, so that it cannot meet a column of ours


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
    rejects: Iterable[Reject]  # to be gone through once
    good_keys: np.ndarray[Any, Any]
    bad_keys: np.ndarray[Any, Any]
    bad_lines: np.ndarray[Any, Any]


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
        unknown = [
            name for name in self.header if name and name not in self.file.by_name and name not in PASSED_OVER
        ]
        if self.file.unknown == "ignore":
            self.ignored = unknown
        else:
            self.unknown = unknown
        if self.file.unknown == "metrics" and len(unknown) > MOST_METRICS:
            raise FileStopped(
                f"Line 1: {len(unknown):,} further metrics; at most {MOST_METRICS} are kept. Leave some columns out."
            )
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
            if self.file.by_name[name].required:
                has_key &= typed[name].is_not_null().to_numpy()
        bad = faults.bad
        frame = pl.DataFrame(typed)
        return Checked(
            good=frame.filter(pl.Series(~bad)) if bad.any() else frame,
            rejects=chain(self._rejects(chunk, faults), self._ragged(chunk)),
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
        values = TYPES[column.kind](cells, column, faults)
        if column.names and column.kind == "id" and column.names != self.file.name:
            return self._resolved(column, values, faults)
        if column.kind == "ids":
            faults.add(unknown_of_many(values, self.known(column.names)), name, unknown_reason(column.names))
        return {name: values}

    def _resolved(self, column: Column, values: pl.Series, faults: Faults) -> dict[str, pl.Series]:
        """The row that is named, by our id; to account_external_id comes account_id."""
        ids = (
            values.to_frame("external_id")
            .join(self.known(column.names), on="external_id", how="left", maintain_order="left")
            .to_series(1)
        )
        faults.add(values.is_not_null() & ids.is_null(), column.name, unknown_reason(column.names))
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
        return {EXTRA + name: number(chunk.cells[name], metric, faults, name=name) for name in self.unknown}

    # --- rules between columns ------------------------------------------------------------------

    def _check_rules(self, typed: dict[str, pl.Series], faults: Faults) -> None:
        for first, second in self.file.in_order:
            if first in typed and second in typed:
                wrong = typed[first].cast(TIME) > typed[second].cast(TIME)
                faults.add(wrong, second, f"comes before {first}. One of the two is wrong.")
        rule = RULES.get(self.file.name)
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
                cells[FURTHER] = ",".join(row.cells[width:])
            reason = (
                f"The row has {len(row.cells)} cells, the header has {width}. "
                "Put text that holds a comma into quotes, and keep empty cells."
            )
            yield Reject(row.line, "", ",".join(row.cells)[:LONGEST_SHOWN], reason, cells)
