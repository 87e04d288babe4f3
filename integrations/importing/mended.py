"""Rows that come back from the quarantine: from the page, as a mended download, or into a stopped file.

A row names itself in the column rejected_id, which the download of rejected rows writes. Landing such a row settles it
in the quarantine; if it is rejected again, the quarantine shows the new reason and no second row.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from integrations.importing.columns import ROW_ID, File
from integrations.importing.format import FILES
from integrations.importing.reading import Chunk
from integrations.importing.rejects import HIDDEN, rejected_as_csv
from integrations.models import BundleImport, QuarantinedRow
from integrations.queries import quarantine as queries
from tenants.fields import RULES
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

_LONGEST_ID = 18  # digits


@dataclass(frozen=True)
class Replaced:
    """What became of the rejected lines of a stopped file: mended rows by line, lines to leave out, ids by line."""

    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()
    ids: dict[int, int] = field(default_factory=dict)


def write_claimed(tenant: Tenant, retry: BundleImport, folder: Path) -> None:
    """A bundle of the rows that this import is to bring in again, written as their download would be."""
    with tenant_transaction(tenant.pk):
        found = queries.claimed_by(tenant, retry_id=retry.pk)
        for file in found.order_by("file").values_list("file", flat=True).distinct():
            name = file.removesuffix(".csv")
            if name in FILES:
                with rejected_as_csv(FILES[name], found.filter(file=file)) as table:
                    _write(folder / file, table)


def _write(path: Path, table: Any) -> None:
    with path.open("wb") as out:
        while piece := table.read(1 << 20):
            out.write(piece)


def replaced(tenant: Tenant, retry: BundleImport, file: str) -> Replaced:
    """For the second reading of a stopped file."""
    if retry.retry_of_id is None:
        return Replaced()
    rows: dict[int, dict[str, str]] = {}
    left_out: set[int] = set()
    ids: dict[int, int] = {}
    with tenant_transaction(tenant.pk):
        found = queries.lines_of(tenant, bundle_id=retry.retry_of_id, file=file)
    for line, row_id, state, cells in found:
        if state == QuarantinedRow.State.DISCARDED:
            left_out.add(line)
            continue
        ids[line] = row_id
        if cells is not None:
            rows[line] = cells
    return Replaced(rows, frozenset(left_out), ids)


def with_replaced(chunks: Iterable[Chunk], header: list[str], by: Replaced) -> Iterator[Chunk]:
    """The file's rows with mended ones in their place, each on the line that it had."""
    if not by.rows and not by.left_out:
        yield from chunks
        return
    gone = np.array(sorted({*by.rows, *by.left_out}), dtype=np.int64)
    for chunk in chunks:
        keep = pl.Series(~np.isin(chunk.line.to_numpy(), gone))
        ragged = [row for row in chunk.ragged if row.line not in by.rows and row.line not in by.left_out]
        yield Chunk(chunk.line.filter(keep), {n: s.filter(keep) for n, s in chunk.cells.items()}, ragged)
    lines = sorted(by.rows)
    cells = {
        name: pl.Series(name, [by.rows[line].get(name) or None for line in lines], dtype=pl.String)
        for name in header
        if name
    }
    if lines:
        yield Chunk(pl.Series("line", lines, dtype=pl.Int64), cells)


def ids_of(chunk: Chunk) -> pl.DataFrame:
    """(line, id) of the rows that name themselves."""
    digits = rf"^[0-9]{{1,{_LONGEST_ID}}}$"
    ids = chunk.cells[ROW_ID]
    frame = pl.DataFrame({"line": chunk.line, "id": ids})
    named = frame.filter(pl.col("id").str.contains(digits))
    return named.with_columns(pl.col("id").cast(pl.Int64))


def header_as_meant(header: list[str]) -> list[str]:
    return [name[1:] if ROW_ID in header and re.match(HIDDEN, name) else name for name in header]


def covered_columns(file: File, header: list[str]) -> list[str]:
    """Columns that the download leaves out for people who may not see them, and that this file does not have."""
    if ROW_ID not in header:
        return []
    coverable = frozenset().union(*(rule.names for rule in RULES.values()))
    return [column.name for column in file.columns if column.name in coverable and column.name not in header]


def with_covered(tenant: Tenant, file: File, chunk: Chunk, missing: list[str]) -> Chunk:
    """Rows that name themselves get what was left out from the kept row, so that nothing of it is lost.

    Whoever sends the file chose the id, and may not see what it would fill in: so only a row that is still about the
    same thing gets it (`_is_same`). In all others the cell stays empty, which keeps what is known.
    """
    if not missing:
        return chunk
    ids = dict(ids_of(chunk).iter_rows())
    with tenant_transaction(tenant.pk):
        kept = queries.kept_rows(tenant, file=file.file_name, row_ids=list(ids.values()))
    mine = {line: kept[row_id].cells for line, row_id in _same_as_kept(file, chunk, ids, kept)}
    cells = dict(chunk.cells)
    for name in missing:
        found = [mine.get(line, {}).get(name) or None for line in chunk.line]
        cells[name] = pl.Series(name, found, dtype=pl.String)
    return Chunk(chunk.line, cells, chunk.ragged)


def _same_as_kept(
    file: File, chunk: Chunk, ids: dict[int, int], kept: dict[int, queries.KeptRow]
) -> Iterator[tuple[int, int]]:
    """(line, id) of the rows that are what their kept row was."""
    names = [*file.key, *file.references]
    blank = [None] * len(chunk.line)
    columns = (chunk.cells.get(name, blank) for name in names)
    for line, *cells in zip(chunk.line, *columns, strict=True):
        row_id = ids.get(line, 0)
        if row_id in kept and _is_same(file, dict(zip(names, cells, strict=True)), kept[row_id]):
            yield line, row_id


def _is_same(file: File, row: dict[str, str | None], kept: queries.KeptRow) -> bool:
    """The same key. Only where the key was what the row was rejected for may it be another one, until the row has
    landed, and only for the same account: the content goes to nobody who could not have had it."""
    changed = {name for name, cell in row.items() if (cell or "").strip() != kept.cells.get(name, "").strip()}
    if changed.isdisjoint(file.key):
        return True
    return kept.is_unsettled and changed == {kept.rejected_for}


def as_meant(chunk: Chunk) -> Chunk:
    """Take away the apostrophe that the download put before what a spreadsheet would run, in rows that name themselves.

    The exact way back: the download adds one to cells that begin so already.
    """
    if ROW_ID not in chunk.cells:
        return chunk
    ours = chunk.cells[ROW_ID].is_not_null()
    cells = {}
    for name, series in chunk.cells.items():
        hidden = ours & series.str.contains(HIDDEN).fill_null(False)
        if hidden.any():
            frame = pl.DataFrame({"cell": series, "hidden": hidden})
            shown = pl.when("hidden").then(pl.col("cell").str.slice(1)).otherwise("cell")
            cells[name] = frame.select(shown.alias(name)).to_series()
        else:
            cells[name] = series
    return Chunk(chunk.line, cells, chunk.ragged)
