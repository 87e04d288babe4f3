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
    """The rows in COPY's binary form: a count of fields, then each field's length and bytes; -1 for unknown."""
    height = rows.height
    known = np.stack([series.is_not_null().to_numpy() for series in rows], axis=1)
    sizes = np.array([_SIZES[type_] for type_ in types])
    widths = 4 + known * sizes
    ends = np.cumsum(widths, axis=1) + 2
    starts = ends - widths
    row_starts = np.concatenate([[0], np.cumsum(ends[:-1, -1])]) if height else np.zeros(0, dtype=np.int64)
    out = np.zeros(int(ends[:, -1].sum()), dtype=np.uint8)
    _put(out, row_starts, np.full(height, len(types), dtype=">i2"))
    for at, type_ in enumerate(types):
        here = row_starts + starts[:, at]
        _put(out, here, np.where(known[:, at], sizes[at], -1).astype(">i4"))
        mask = known[:, at]
        _put(out, here[mask] + 4, _values(rows.to_series(at), type_)[mask])
    return out.tobytes()


def _values(series: pl.Series, type_: str) -> np.ndarray[Any, Any]:
    if type_ == "date":
        return (series.to_physical().fill_null(0).to_numpy() - _EPOCH).astype(">i4")
    return series.fill_null(0).to_numpy().astype(_DTYPES[type_])


def _put(out: np.ndarray[Any, Any], where: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> None:
    """Write each value's bytes at its place."""
    width = values.dtype.itemsize
    octets = values.view(np.uint8).reshape(-1, width)
    for at in range(width):
        out[where + at] = octets[:, at]
