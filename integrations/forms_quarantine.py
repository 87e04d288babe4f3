"""The quarantine page's filters, and a rejected row as a form."""

from dataclasses import dataclass
from typing import Any

from django import forms

from integrations.importing.columns import FURTHER, PASSED_OVER
from integrations.importing.format import FILES
from integrations.models import QuarantinedRow
from integrations.queries.quarantine import Chosen, Overview

LARGEST_ROW = 500_000  # characters; larger ones are mended in the download
LONG = 120  # characters from which a cell gets several lines


class Filters(forms.Form):
    """What the rows are narrowed by; the choices are what there is."""

    file = forms.ChoiceField(required=False, label="File")
    column = forms.ChoiceField(required=False, label="Column")
    reason = forms.ChoiceField(required=False, label="Reason")
    state = forms.ChoiceField(
        required=False, label="State", choices=[("", "Any"), *QuarantinedRow.State.choices]
    )

    def __init__(self, data: Any, found: Overview) -> None:
        super().__init__(data)
        for name in ("file", "column", "reason"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            choices = found.choices(name + "s")
            sent = self.data.get(name, "")
            if sent and sent not in choices:
                choices.append(sent)  # an address that was kept; it shows no rows then
            field.choices = [("", "Any"), *((word, _short(word)) for word in choices)]

    @property
    def chosen(self) -> Chosen:
        self.is_valid()
        return Chosen(**{name: value for name, value in self.cleaned_data.items() if value})


def _short(word: str) -> str:
    return word if len(word) <= 70 else f"{word[:69]}…"


class ReasonForm(forms.Form):
    """Why rows are discarded."""

    why = forms.CharField(
        max_length=500,
        label="Why",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Say why, in a few words. It is kept."},
    )


@dataclass
class Cell:
    """One cell of the form. `fault` says what is wrong with it."""

    name: str
    value: str
    field: str
    required: bool
    help: str = ""
    fault: str = ""
    was: str = ""  # what was sent, where it was mended since
    now: str | None = None  # what somebody else saved meanwhile, where the person's own text is another

    @property
    def is_long(self) -> bool:
        return len(self.value) > LONG or "\n" in self.value


class RowForm:
    """A rejected row, a cell a column. Columns come from the row and the format, never from what is posted.

    `seen` is the version that the person saw. Where the row is another by now, each cell of the person's that differs
    says what stands there, and the form keeps the old version: sent again it is refused again, until the person says
    that theirs shall stand instead.
    """

    def __init__(
        self,
        row: QuarantinedRow,
        covered: frozenset[str],
        posted: dict[str, str] | None = None,
        *,
        seen: int | None = None,
    ) -> None:
        self.row = row
        self.covered = covered
        self.version = row.version if seen is None else seen
        self.is_stale = self.version != row.version
        file = FILES.get(row.file.removesuffix(".csv"))
        self.file = file
        now = row.mended or row.row
        self.further = "" if FURTHER in covered else str(row.row.get(FURTHER, ""))
        columns = _columns(row, now)
        self.too_large = sum(len(str(now.get(name, ""))) for name in columns) > LARGEST_ROW
        self.cells = [self._cell(at, name, now, posted) for at, name in enumerate(columns)]
        if posted is None and row.state == QuarantinedRow.State.OPEN:
            self.mark(row.column, row.reason)

    def _cell(self, at: int, name: str, now: dict[str, Any], posted: dict[str, str] | None) -> Cell:
        known = self.file.by_name.get(name) if self.file else None
        field = f"cell-{at}"
        saved, sent = str(now.get(name, "")), str(self.row.row.get(name, ""))
        value = saved
        if posted is not None and name not in self.covered:
            value = _lines_as_sent(posted.get(field, ""), value)
        return Cell(
            name,
            value,
            field,
            bool(known and known.required),
            help=known.in_words if known and known.kind != "text" else "",
            was=sent if sent != value else "",
            now=saved if self.is_stale and saved != value else None,
        )

    @property
    def shown(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.name not in self.covered]

    @property
    def values(self) -> dict[str, str]:
        return {cell.name: cell.value for cell in self.cells}

    @property
    def loose_fault(self) -> str:
        """A fault of the row as a whole."""
        return "" if any(cell.fault for cell in self.shown) else self._fault

    _fault = ""

    def mark(self, column: str, reason: str) -> None:
        self._fault = reason
        for cell in self.cells:
            if cell.name == column:
                cell.fault = reason


def _columns(row: QuarantinedRow, now: dict[str, Any]) -> list[str]:
    """Known ones in the format's order: those that the row has, must have, or may have lost; then its others."""
    file = FILES.get(row.file.removesuffix(".csv"))
    if file is None:
        return sorted(set(now) - PASSED_OVER)
    is_ragged = not row.column
    known = [c.name for c in file.columns if c.name in now or c.required or is_ragged]
    return known + sorted(set(now) - set(file.by_name) - PASSED_OVER - {""})


def _lines_as_sent(posted: str, before: str) -> str:
    """Browsers send CRLF for every line end of a text; a row that had LF keeps LF."""
    return posted if "\r" in before else posted.replace("\r\n", "\n")
