"""Temporary tables that a file's rows are copied into before one transaction merges them (DECISIONS 5, ADR 0006).

They belong to this session alone and carry no policies, so binary COPY is allowed. Names are fixed: one file at a time.
"""
# ruff: noqa: S608  statements are put together from the constant names of this file

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from django.db import connection, transaction

from integrations.importing import binary
from integrations.importing.targets import Target
from integrations.importing.validate import Reject

ROWS = "import_rows"
REJECTS = "import_rejects"
DOUBLES = "import_doubles"
LINES = "import_lines"
MENDED = "import_mended"
_AT_ONCE = 200_000  # lines handed over at a time
_REJECT_TYPES = ["int8", "text", "text", "text", "text"]
# A page's limits do not fit: under load a single COPY or a merge may take minutes, and nobody waits for it.
_PATIENCE = {"statement_timeout": "30min", "lock_timeout": "30s", "work_mem": "128MB"}


@contextmanager
def patience() -> Iterator[None]:
    """For the block: no page's time limit on this session, and a clean session afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in _PATIENCE.items()))
    try:
        yield
    finally:
        if not connection.in_atomic_block and not connection.is_usable():
            connection.close()  # broken off within a COPY: with the session goes all that is its own
        elif not connection.needs_rollback:
            with connection.cursor() as cursor:
                drop_tables(cursor)
                cursor.execute("; ".join(f"RESET {name}" for name in _PATIENCE))


@contextmanager
def short_transaction() -> Iterator[Any]:
    """A cursor for our own tables, whose work is committed at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        yield cursor


class Stage:
    """The staged rows and the rejected rows of one file."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._columns = target.stage_columns
        self.staged = 0
        self.rejected = 0
        self.knows_rows = False  # whether rows of the quarantine are among them
        with short_transaction() as cursor:
            columns = ", ".join(f'"{name}" {type_}' for name, type_, _ in self._columns)
            cursor.execute(f"CREATE TEMP TABLE {ROWS} ({columns})")
            cursor.execute(
                f'CREATE TEMP TABLE {REJECTS} (line int8, "column" text, value text, reason text, "row" text)'
            )

    def add(self, rows: pl.DataFrame) -> None:
        """Copy typed rows in."""
        if not rows.height:
            return
        if self.target.has_hash:
            rows = rows.with_columns(_hashes(rows, self.target))
        rows = rows.select([frame for _, _, frame in self._columns])
        binary.copy_rows(ROWS, [type_ for _, type_, _ in self._columns], rows)
        self.staged += rows.height

    def reject(self, rejects: Iterable[Reject]) -> None:
        """Set rows aside, whole, one at a time: of a wide file a thousand rows are a lot of memory."""
        coming = iter(rejects)
        first = next(coming, None)
        if first is not None:
            binary.copy_tuples(REJECTS, _REJECT_TYPES, self._counted(chain([first], coming)))

    def _counted(self, rejects: Iterable[Reject]) -> Iterator[tuple[Any, ...]]:
        for reject in rejects:
            self.rejected += 1
            row = json.dumps(reject.row, ensure_ascii=False)
            yield reject.line, reject.column, reject.value, reject.reason, row

    def remember(self, rows: pl.DataFrame) -> None:
        """Which lines are rows of the quarantine: columns line and id."""
        if not rows.height:
            return
        if not self.knows_rows:
            self.knows_rows = True
            with short_transaction() as cursor:
                cursor.execute(f"CREATE TEMP TABLE {MENDED} (line int8, id int8)")
        binary.copy_rows(MENDED, ["int8", "int8"], rows)

    def ready(self) -> None:
        """Statistics for the planner; temporary tables get none by themselves."""
        with short_transaction() as cursor:
            cursor.execute(f"ANALYZE {ROWS}")

    def sort_out_doubles(
        self, keys: np.ndarray[Any, Any], lines: np.ndarray[Any, Any]
    ) -> tuple[np.ndarray[Any, Any], int]:
        """Of rows that share a key: (lines of those that contradict each other, how many mere repeats went).

        `keys` are 64-bit hashes of the key columns for these lines, staged or rejected. A rejected row has no typed
        twin, so it contradicts. All of them leave the stage, but for the first of mere repeats.
        """
        self._keep_doubles(keys, lines)
        columns = ", ".join(f's."{name}"' for name, _, _ in self._columns if name != "line")
        with short_transaction() as cursor:
            cursor.execute(f"ANALYZE {ROWS}; ANALYZE {DOUBLES}")
            cursor.execute(
                f"""
                CREATE TEMP TABLE {LINES} AS
                SELECT d.line, s.line IS NOT NULL AS staged,
                       min(d.line) OVER same AS first,
                       min(sign) OVER same IS DISTINCT FROM max(sign) OVER same AS contradicts
                  FROM {DOUBLES} d LEFT JOIN {ROWS} s ON s.line = d.line,
                       LATERAL (SELECT CASE WHEN s.line IS NULL THEN 'rejected ' || d.line
                                            ELSE md5(ROW({columns})::text) END AS sign) AS signed
                WINDOW same AS (PARTITION BY d.key)
                """
            )
            cursor.execute(
                f"DELETE FROM {ROWS} s USING {LINES} l WHERE l.line = s.line AND NOT l.contradicts AND l.line > l.first"
            )
            repeats = cursor.rowcount
            contradicting = _numbers(
                cursor, f"SELECT line FROM {LINES} WHERE contradicts AND staged ORDER BY line"
            )
            cursor.execute(
                f"DELETE FROM {ROWS} s USING {LINES} l WHERE l.line = s.line AND l.contradicts AND l.staged"
            )
            cursor.execute(f"DROP TABLE {LINES}, {DOUBLES}")
        self.staged -= repeats + len(contradicting)
        return contradicting, repeats

    @staticmethod
    def _keep_doubles(keys: np.ndarray[Any, Any], lines: np.ndarray[Any, Any]) -> None:
        with short_transaction() as cursor:
            cursor.execute(f"CREATE TEMP TABLE {DOUBLES} (key int8, line int8)")
        for at in range(0, len(keys), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            frame = pl.DataFrame({"key": keys[part].view(np.int64), "line": lines[part]})
            binary.copy_rows(DOUBLES, ["int8", "int8"], frame)

    def remove(self, lines: np.ndarray[Any, Any]) -> None:
        """Take rows out that turned out wrong after they were staged.

        By a join: a list of lines in the statement would be gone through for every row.
        """
        with short_transaction() as cursor:
            cursor.execute(f"CREATE TEMP TABLE {LINES} (line int8)")
        binary.copy_rows(LINES, ["int8"], pl.DataFrame({"line": lines}))
        with short_transaction() as cursor:
            cursor.execute(f"DELETE FROM {ROWS} s USING {LINES} l WHERE l.line = s.line")
            self.staged -= cursor.rowcount
            cursor.execute(f"DROP TABLE {LINES}")

    def rows_of(self, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of the staged rows, in the file's order; for small files."""
        with short_transaction() as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} FROM {ROWS} ORDER BY line")
            return list(cursor.fetchall())

    def first_rejects(self, most: int) -> list[dict[str, Any]]:
        return self.rejects(most)[1]

    @staticmethod
    def rejects(most: int) -> tuple[int, list[dict[str, Any]]]:
        """How many rows are set aside, and the first of them; also for a file that broke while it was read."""
        with short_transaction() as cursor:
            cursor.execute(f"SELECT count(*) FROM {REJECTS}")
            count = int(cursor.fetchone()[0])
            cursor.execute(
                f'SELECT line, "column", value, reason FROM {REJECTS} ORDER BY line, "column" LIMIT %s',
                [most],
            )
            names = ("line", "column", "value", "reason")
            return count, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def clear_stage() -> None:
    """Nothing of an earlier file may be taken for this one's."""
    with short_transaction() as cursor:
        drop_tables(cursor)


def drop_tables(cursor: Any) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {ROWS}, {REJECTS}, {DOUBLES}, {LINES}, {MENDED}")


def _numbers(cursor: Any, select: str) -> np.ndarray[Any, Any]:
    """One column of whole numbers, without a list of them in between."""
    with cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT BINARY)") as copy:
        copy.set_types(["int8"])
        return np.fromiter((row[0] for row in copy.rows()), dtype=np.int64)


def _hashes(rows: pl.DataFrame, target: Target) -> pl.Series:
    """sha256 of each typed row, by the format's columns in the format's order; the same row gives the same hash."""
    names = [column.name for column in target.file.columns if column.name in rows.columns]
    if target.attributes:
        names.append("attributes")
    parts = [pl.format("{}={}", pl.lit(name), _canonical(rows.schema[name], name)) for name in names]
    texts = rows.select(pl.concat_str(parts, separator="\x1f")).to_series()
    return pl.Series("row_hash", [hashlib.sha256(text.encode()).digest() for text in texts], dtype=pl.Binary)


def _canonical(dtype: pl.DataType, name: str) -> pl.Expr:
    text = pl.col(name).list.join(";") if isinstance(dtype, pl.List) else pl.col(name).cast(pl.String)
    return text.fill_null("")
