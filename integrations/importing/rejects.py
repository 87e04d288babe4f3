"""Rejected rows as a CSV file that a person mends and sends again."""

import csv
import io
import re
import tempfile
from typing import IO

from django.db.models import QuerySet

from audit.exports import safe_cell
from integrations.importing.columns import NOTES, File
from integrations.models import QuarantinedRow

IN_MEMORY = 1024**2
AT_ONCE = 1000
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def rejected_as_csv(
    file: File, rows: QuerySet[QuarantinedRow], *, covered: frozenset[str] = frozenset()
) -> IO[bytes]:
    """The rows with their own columns, in the format's order, then line, column and reason; safe for a spreadsheet.

    The notes' names are passed over by the import, so a mended file can go back as it is. Columns that the reader may
    not see are `covered`: their cells are empty, and an empty cell changes nothing when it comes back.
    """
    columns = _columns(file, rows)
    out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  the response closes it
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    table = csv.writer(text)
    table.writerow([_safe(name) for name in [*columns, *NOTES]])
    for row in rows.iterator(chunk_size=AT_ONCE):
        cells = ["" if name in covered else row.row.get(name, "") for name in columns]
        table.writerow([_safe(str(cell)) for cell in [*cells, row.line, row.column, row.reason]])
    text.detach()
    out.seek(0)
    return out


def _columns(file: File, rows: QuerySet[QuarantinedRow]) -> list[str]:
    """The known columns that the file had, then its others by name."""
    found: set[str] = set()
    for row in rows.values_list("row", flat=True).iterator(chunk_size=AT_ONCE):
        found.update(row)
    found -= set(NOTES)
    known = [column.name for column in file.columns if column.name in found]
    return known + sorted(found - set(known))


def _safe(text: str) -> str:
    """A plain number stays one: it is no formula, and somebody may want to add it up."""
    return text if _NUMBER.fullmatch(text) else safe_cell(text)
