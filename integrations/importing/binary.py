"""Binary COPY. Rows of numbers and days are laid out by numpy; rows with text go through psycopg, one by one."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from django.db import connection

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_EPOCH = date(2000, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
_SIZES = {"int8": 8, "float8": 8, "date": 4}
Array = np.ndarray[Any, Any]
_DTYPES = {"int8": ">i8", "float8": ">f8", "date": ">i4"}


def copy_rows(table: str, types: list[str], rows: pl.DataFrame) -> None:
    """Copy a frame whose columns stand in the table's order."""
    if all(type_ in _SIZES for type_ in types):
        with _copy(table) as copy:
            copy.write(_SIGNATURE)
            copy.write(layout(types, rows))
            copy.write(_END)
    else:
        copy_tuples(table, types, rows.iter_rows())


def copy_tuples(table: str, types: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with _copy(table) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _copy(table: str) -> Any:
    # the cursor lives as long as the copy that it gives
    return connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)")


def layout(types: list[str], rows: pl.DataFrame) -> bytes:
    """The rows in COPY's binary form: a count of fields, then each field's length and bytes; -1 for unknown.

    Rows with the same cells unknown have the same shape, so each such group is written as one array. A temporary table
    has no order to keep.
    """
    if not rows.height:
        return b""
    known = np.stack([series.is_not_null().to_numpy() for series in rows], axis=1)
    columns = [_values(series, type_) for series, type_ in zip(rows, types, strict=True)]
    _, first, group = np.unique(_shapes(known), return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group))
    parts = []
    for at, (start, end) in enumerate(zip(np.concatenate([[0], ends[:-1]]), ends, strict=True)):
        parts.append(_same_shape(types, columns, known[first[at]], order[start:end]))
    return b"".join(parts)


def _shapes(known: Array) -> Array:
    """One number a row, the same for rows with the same cells known. More than 63 columns need several rounds."""
    codes = np.zeros(len(known), dtype=np.int64)
    for start in range(0, known.shape[1], 32):
        bits = known[:, start : start + 32] @ (
            1 << np.arange(known[:, start : start + 32].shape[1], dtype=np.int64)
        )
        _, codes = np.unique((codes << 32) | bits, return_inverse=True)
    return codes


def _same_shape(types: list[str], columns: list[Array], known: Array, where: Array) -> bytes:
    """The rows `where`, all of which have just the `known` fields."""
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for at, type_ in enumerate(types):
        fields.append((f"size{at}", ">i4"))
        if known[at]:
            fields.append((f"value{at}", _DTYPES[type_]))
    out = np.empty(len(where), dtype=fields)
    out["count"] = len(types)
    for at, type_ in enumerate(types):
        out[f"size{at}"] = _SIZES[type_] if known[at] else -1
        if known[at]:
            out[f"value{at}"] = columns[at][where]
    return out.tobytes()


def _values(series: pl.Series, type_: str) -> Array:
    numbers = series.to_physical().fill_null(0).to_numpy()
    return numbers - _EPOCH if type_ == "date" else numbers
