"""Writing the bundle's files: numpy columns in, CSV out, the same bytes for the same rows."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import polars as pl

Columns = Mapping[str, "npt.NDArray[Any] | pl.Series"]

# Small files stay readable with any text editor; the others are compressed.
PLAIN = frozenset({"accounts", "products", "surveys", "company_events", "articles", "outcomes"})


class BundleWriter:
    """Writes tables into one folder and keeps count of their rows."""

    def __init__(self, folder: Path, *, decimals: int = 2) -> None:
        self.folder = folder
        self._decimals = decimals
        self.rows: dict[str, int] = {}

    def write(self, name: str, columns: Columns) -> None:
        """Write one whole file."""
        self.write_blocks(name, [columns])

    def write_blocks(self, name: str, blocks: Iterable[Columns]) -> None:
        """Write one file piece by piece, so that a large one never stands in memory whole."""
        count = 0
        with _open(self.folder, name) as file:
            for number, columns in enumerate(blocks):
                frame = pl.DataFrame({key: _series(values) for key, values in columns.items()})
                file.write(_csv(frame, header=number == 0, decimals=self._decimals))
                count += frame.height
        self.rows[name] = count


def _open(folder: Path, name: str) -> IO[bytes] | _Gzip:
    if name in PLAIN:
        return (folder / f"{name}.csv").open("wb")
    # No file name and no time in the gzip header: the same seed must give the same bytes.
    raw = (folder / f"{name}.csv.gz").open("wb")
    return _Gzip(raw)


class _Gzip(gzip.GzipFile):
    """A gzip stream that closes the file beneath it too."""

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__(filename="", mode="wb", compresslevel=2, fileobj=raw, mtime=0)
        self._raw = raw

    def close(self) -> None:
        """Finish the stream, then the file."""
        super().close()
        self._raw.close()


def _csv(frame: pl.DataFrame, *, header: bool, decimals: int = 2) -> bytes:
    text = frame.write_csv(
        include_header=header,
        datetime_format="%Y-%m-%dT%H:%M:%SZ",
        date_format="%Y-%m-%d",
        float_precision=decimals,
        line_terminator="\n",
    )
    return text.encode()


def _series(values: npt.NDArray[Any] | pl.Series) -> pl.Series:
    """One column; NaT, NaN and None become empty cells."""
    if isinstance(values, pl.Series):
        return values
    kind = values.dtype.kind
    if kind == "M":
        unit = "D" if values.dtype == np.dtype("M8[D]") else "ms"
        return pl.Series(values.astype(f"M8[{unit}]"))
    if kind == "O":
        return pl.Series(values.tolist(), dtype=pl.String)
    series = pl.Series(values)
    return series.fill_nan(None) if kind == "f" else series


def spread(values: npt.NDArray[np.object_], index: npt.NDArray[np.integer[Any]]) -> pl.Series:
    """The values at each index, as a text column made without a Python object for each row."""
    return pl.Series(values.tolist(), dtype=pl.String).gather(index)


def whole_numbers(values: npt.NDArray[np.floating[Any]]) -> pl.Series:
    """Floats as whole numbers, NaN as empty cells."""
    return pl.Series(values).fill_nan(None).cast(pl.Int64)


def ids(prefix: str, count: int, *, width: int = 6) -> npt.NDArray[np.object_]:
    """Running external ids, such as TIC-000001."""
    return words([f"{prefix}-{number:0{width}d}" for number in range(1, count + 1)])


def words(values: Iterable[str | None]) -> npt.NDArray[np.object_]:
    """Texts as an object array, which numpy can index and join."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def flags(
    values: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.object_]:
    """Booleans as the format writes them; empty where not known."""
    text = np.where(values, "true", "false").astype(object)
    return text if known is None else blanked(text, ~known)


def blanked(values: npt.NDArray[Any], where: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    """The texts, with empty cells where the second array is true."""
    out = values.astype(object)
    out[where] = None
    return out
