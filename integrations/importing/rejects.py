"""Rejected rows as a CSV file that a person mends and sends again."""

import csv
import io
import re
import tempfile
from typing import IO

from django.db.models import QuerySet

from audit.exports import safe_cell
from integrations.importing.columns import NOTES, PASSED_OVER, File
from integrations.models import QuarantinedRow

IN_MEMORY = 1024**2
AT_ONCE = 1000
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# apostrophes before what a spreadsheet would run; one of them is the download's (mended.as_meant takes it away)
HIDDEN = r"^'+[=+\-@\t\r\n＝＋－＠]"
_HIDDEN = re.compile(HIDDEN)


def rejected_as_csv(
    file: File, rows: QuerySet[QuarantinedRow], *, covered: frozenset[str] = frozenset()
) -> IO[bytes]:
    """The rows with their own columns, in the format's order, then line, column and reason; safe for a spreadsheet.

    The notes' names are passed over by the import, so a mended file can go back as it is. Columns that the reader may
    not see are `covered`: they are left out, and filled in from the kept row when it comes back (mended.with_covered).
    """
    columns = [name for name in _columns(file, rows) if name not in covered]
    out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  the response closes it
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    table = csv.writer(text)
    table.writerow([_safe(name) for name in [*columns, *NOTES]])
    for row in rows.iterator(chunk_size=AT_ONCE):
        now = row.mended or row.row
        cells = [now.get(name, "") for name in columns]
        notes = [row.line, row.column, row.reason, row.pk]
        table.writerow([_safe(str(cell)) for cell in [*cells, *notes]])
    text.detach()
    out.seek(0)
    return out


def _columns(file: File, rows: QuerySet[QuarantinedRow]) -> list[str]:
    """The known columns that the file had, then its others by name. Those that must be there always are."""
    found = set(file.required)
    for row, mended in rows.values_list("row", "mended").iterator(chunk_size=AT_ONCE):
        found.update(mended or row)
    found -= PASSED_OVER
    known = [column.name for column in file.columns if column.name in found]
    return known + sorted(found - set(known))


def _safe(text: str) -> str:
    """A plain number stays one: it is no formula, and somebody may want to add it up."""
    if _HIDDEN.match(text):
        return f"'{text}"
    return text if _NUMBER.fullmatch(text) else safe_cell(text)
