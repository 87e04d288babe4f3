"""Reads a CSV in chunks, each row with the physical line on which it begins (RFC 4180, UTF-8, a header line).

Two ways, one result. A block without any quote is split by polars; whatever holds a quote, a blank line, a stray
character or a row of another width goes through Python's csv module, row by row, which also finds the place of a fault.
Memory stays flat: a block, or a chunk of rows, is all that is held.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl

from integrations.importing.problems import FileStopped, UnreadableFile

BLOCK = 4 * 1024**2
LONGEST_CELL = 1024**2
LONGEST_LINE = 12 * 1024**2
LONGEST_ROW = 8 * 1024**2  # of a row that runs over several lines, each of which
LINE_COSTS = 56  # counts as this many characters more: that is what Python keeps of it
MOST_COLUMNS = 1000
LONGEST_NAME = 200
ROWS_A_CHUNK = 25_000
ROWS_A_BLOCK = 100_000
# an empty cell costs memory too, so each counts as this many characters
CELL_COSTS = 8
CHARACTERS_A_CHUNK = 8 * 1024**2
_BOM = b"\xef\xbb\xbf"
_ENCODING = "the text is not UTF-8. Save the file as UTF-8 and send it again."
_NUL = "it holds a NUL byte, so it is no text file. Export it again as CSV in UTF-8."

csv.field_size_limit(LONGEST_CELL)


class Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass
class Ragged:
    """A row with more or fewer cells than the header."""

    line: int
    cells: list[str]


@dataclass
class Chunk:
    """Some rows as text, one column a header name; an empty cell is null. `line` is where each row begins."""

    line: pl.Series
    cells: dict[str, pl.Series]
    ragged: list[Ragged] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.line)

    @property
    def rows_read(self) -> int:
        return len(self.line) + len(self.ragged)

    def rows_on(self, lines: "np.ndarray[Any, Any]") -> Iterator[tuple[int, dict[str, str]]]:
        """The rows that begin on these lines (sorted), as they were sent."""
        mine = self.line.to_numpy()
        places = np.searchsorted(lines, mine)
        found = np.flatnonzero(lines[np.minimum(places, len(lines) - 1)] == mine)
        for at in found.tolist():
            yield int(mine[at]), {name: series[at] or "" for name, series in self.cells.items()}


class CsvReader:
    """One pass over one file: first `header`, then `chunks()`."""

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0  # how much of the buffer was consumed
        self._line = 0  # lines consumed so far
        self._ended = False
        self._record: list[str] = []  # the lines of the row being read, to find the column of a fault
        self.header: list[str] = []
        self._read_header()

    # --- bytes ----------------------------------------------------------------------------------

    def _fill(self) -> bool:
        """Bring in another block; False at the end of the file."""
        piece = b"" if self._ended else self._stream.read(BLOCK)
        if not piece:
            self._ended = True
            return False
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return True

    def _next_line(self) -> str | None:
        """One physical line as text, with its line end; None at the end of the file."""
        found, searched = -1, self._at
        while (found := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer) - self._at  # what is left moves to the front
            if searched > LONGEST_LINE:
                raise UnreadableFile(
                    f"the line is longer than {LONGEST_LINE // 1024**2} MB.", line=self._line + 1
                )
            if not self._fill():
                break
        end = found + 1 if found >= 0 else len(self._buffer)
        raw = self._buffer[self._at : end]
        if not raw:
            return None
        self._at = end
        self._line += 1
        return self._text(raw)

    def _text(self, raw: bytes) -> str:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8")
            raise UnreadableFile(_ENCODING, line=self._line, column=self._column_at_end_of(before)) from error
        if "\x00" in text:
            before = text[: text.index("\x00")]
            raise UnreadableFile(_NUL, line=self._line, column=self._column_at_end_of(before))
        return text

    # --- the header -----------------------------------------------------------------------------

    def _read_header(self) -> None:
        self._fill()
        if self._buffer.startswith(_BOM):
            self._at = len(_BOM)
        if self._buffer[self._at :].startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableFile(_ENCODING, line=1)
        first = next(self._records(), None)
        if first is None:
            raise FileStopped("The file is empty: not even a header line. Export it again.")
        self.header = first[1]
        if len(self.header) > MOST_COLUMNS:
            raise UnreadableFile(f"{len(self.header):,} columns; at most {MOST_COLUMNS:,} are read.", line=1)
        for name in self.header:
            if len(name) > LONGEST_NAME:
                raise UnreadableFile(
                    "a column's name is too long. Is the header line missing?", line=1, column=name[:60]
                )
        seen: set[str] = set()
        for name in self.header:
            if name and name in seen:
                raise UnreadableFile(
                    "the column stands in the header twice. Take one out.", line=1, column=name
                )
            seen.add(name)

    # --- rows -----------------------------------------------------------------------------------

    def chunks(self) -> Iterator[Chunk]:
        while True:
            chunk = self._fast_chunk() or self._careful_chunk()
            if chunk is None:
                return
            yield chunk

    def _fast_chunk(self) -> Chunk | None:
        """The whole lines of the buffer at once, if they are as plain as most files are."""
        if self._at >= len(self._buffer) and not self._fill():
            return None
        if b"\n" not in self._buffer[self._at :] and not self._fill():
            return None
        end = self._buffer.rfind(b"\n") + 1
        block = self._buffer[self._at : end]
        if b'"' in block or b"\x00" in block:
            return None
        block, lines = _at_most(block, ROWS_A_BLOCK)
        end = self._at + len(block)
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        width = len(self.header)
        # together with polars' refusal of longer rows, the right number of commas means that every row is right
        plain = lines and b"\r" not in block and b"\n\n" not in block and not block.startswith(b"\n")
        if not plain or width < 2 or block.count(b",") != lines * (width - 1):
            return None
        frame = _split(block, width)
        if frame is None or frame.height != lines:
            return None
        first = self._line + 1
        self._at, self._line = end, self._line + lines
        cells = {name: frame.to_series(at) for at, name in enumerate(self.header) if name}
        return Chunk(pl.arange(first, first + lines, dtype=pl.Int64, eager=True), cells)

    def _careful_chunk(self) -> Chunk | None:
        rows: list[list[str]] = []
        lines: list[int] = []
        ragged: list[Ragged] = []
        characters, width = 0, len(self.header)
        for line, cells in self._records():
            if len(cells) == width:
                rows.append(cells)
                lines.append(line)
            else:
                ragged.append(Ragged(line, cells))
            characters += sum(map(len, cells)) + CELL_COSTS * len(cells)
            if len(rows) + len(ragged) >= ROWS_A_CHUNK or characters >= CHARACTERS_A_CHUNK:
                break
        if not rows and not ragged:
            return None
        columns = list(zip(*rows, strict=True)) if rows else [()] * width
        cells_by_name = {
            name: pl.Series(name, [cell or None for cell in columns[at]], dtype=pl.String)
            for at, name in enumerate(self.header)
            if name
        }
        return Chunk(pl.Series("line", lines, dtype=pl.Int64), cells_by_name, ragged)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Rows with the line on which they begin; blank lines are no rows. Stops where a row ends, never within."""
        reader = csv.reader(self._lines_of_record(), strict=True)
        while True:
            self._record.clear()
            begin = self._line + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise self._unreadable(error, begin) from error
            if cells is None:
                return
            if cells:
                yield begin, cells

    def _lines_of_record(self) -> Iterator[str]:
        begin, size = self._line + 1, 0
        while True:
            if not self._record:
                begin, size = self._line + 1, 0
            elif size > LONGEST_ROW:
                raise UnreadableFile(
                    f"a quote is not closed within {len(self._record):,} lines. Close it, or shorten the row.",
                    line=begin,
                    column=self._column_at_end_of(""),
                )
            line = self._next_line()
            if line is None:
                return
            self._record.append(line)
            size += len(line) + LINE_COSTS
            yield line

    def _unreadable(self, error: csv.Error, begin: int) -> UnreadableFile:
        column = self._column_at_end_of("", fault=True)
        if "field limit" in str(error) or "unexpected end" in str(error):
            lines = len(self._record)
            if lines > 1:
                what = (
                    f"a quote opened here is not closed (looked {lines:,} lines far). Close it, or double it."
                )
            elif "unexpected end" in str(error):
                what = "a quote opened here is not closed. Close it, or double it."
            else:
                what = f"the cell is larger than {LONGEST_CELL // 1024**2} MB. Shorten it."
            return UnreadableFile(what, line=begin, column=column)
        if "new-line character" in str(error):
            return UnreadableFile(
                "a line ends with a lone carriage return. Save the file with LF or CRLF line ends.",
                line=begin, column=column,
            )  # fmt: skip
        return UnreadableFile(
            'text follows a closing quote. Put a quote inside a cell twice: "".',
            line=self._line,
            column=column,
        )

    def _column_at_end_of(self, tail: str, *, fault: bool = False) -> str:
        """The header's name of the cell in which the text of the row so far ends, or breaks the rules of quoting."""
        index, quoted, closed, filled = 0, False, False, 0
        for character in "".join(self._record) + tail:
            if quoted:
                if character == '"':
                    quoted, closed = False, True
                filled += 1
            elif character == '"' and (closed or filled == 0):
                quoted, closed = True, False
                filled += 1
            elif character == ",":
                index, closed, filled = index + 1, False, 0
            elif fault and closed and character not in "\r\n":
                break
            else:
                filled += 1
            if fault and filled > LONGEST_CELL:
                break
        return self.header[index] if index < len(self.header) else f"number {index + 1}"


def _at_most(block: bytes, most: int) -> tuple[bytes, int]:
    """As many whole lines of a block as make about `most` rows, and their number: short rows cost more than bytes."""
    lines = block.count(b"\n")
    if lines <= most:
        return block, lines
    end = block.find(b"\n", len(block) * most // lines) + 1 or len(block)
    return block[:end], block.count(b"\n", 0, end)


def _split(block: bytes, width: int) -> pl.DataFrame | None:
    """polars' own splitting, of text without quotes; None where a row or a cell is not as it should be."""
    try:
        block.decode("utf-8")
        frame = pl.read_csv(
            io.BytesIO(block),
            has_header=False,
            quote_char=None,
            schema={f"c{at}": pl.String for at in range(width)},
        )
    except (UnicodeDecodeError, pl.exceptions.PolarsError):
        return None
    longest = frame.select(pl.max_horizontal(pl.all().str.len_bytes().max())).item() or 0
    return frame if longest <= LONGEST_CELL else None
