"""What a column and a file of the import format are, and the limits that hold for all of them."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal[
    "id", "text", "email", "int", "num", "money", "bool", "date", "day", "time", "currency", "ids", "word", "zone",
    "language",
]  # fmt: skip

# characters in one cell; the contract names no limit, so these are wide, and what is longer is rejected in words
LONGEST_TEXT = 250_000  # bodies, comments, old and new values
LONGEST_SHORT = 10_000  # names, subjects, reasons, categories
LONGEST_ACCOUNT_NAME = 1000  # stands in an index
LONGEST_ID = 200
LARGEST_MONEY = 1e10  # one contract, invoice or deal
LARGEST_VALUE = 999_999_999_999  # any other amount; what its column holds
LARGEST_USAGE = 1e15
# what the download of rejected rows adds; a mended file may keep them, and by its id a row is known again
ROW_ID = "rejected_id"
FURTHER = "(further cells)"  # of a row with more cells than the header
NOTES = ("rejected_line", "rejected_column", "rejected_reason", ROW_ID)
PASSED_OVER = frozenset({*NOTES, FURTHER})
# usage is kept by month, in this span
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
LARGEST_INT4 = 2**31 - 1
LARGEST_INT8 = 2**63 - 1


@dataclass(frozen=True)
class Column:
    """One known column. `longest` counts characters, `low` and `high` are both allowed values."""

    name: str
    kind: Kind = "text"
    required: bool = False
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    longest: int = LONGEST_TEXT
    names: str = ""  # the file whose external ids stand in this column

    @property
    def in_words(self) -> str:
        """What a person may write here."""
        words = _IN_WORDS[self.kind]
        if self.words:
            words = f"one of: {', '.join(self.words)}"
        if self.names:
            words = f"{words} of {self.names}.csv"
        if self.kind in ("int", "num", "money") and self.low is not None and abs(self.low) < LARGEST_INT4:
            high = "" if self.high is None or self.high > LARGEST_MONEY else f" to {self.high:,.0f}"
            words += f", {self.low:.0f}{high or ' or more'}"
        return words


_IN_WORDS: dict[Kind, str] = {
    "id": "an external id",
    "ids": "external ids with ; between them,",
    "text": "text",
    "email": "an e-mail address",
    "int": "a whole number",
    "num": "a number",
    "money": "an amount",
    "bool": "true or false",
    "date": "a date",
    "day": "a date",
    "time": "a time with its zone",
    "currency": "an ISO 4217 currency",
    "word": "a word",
    "zone": "an IANA time zone, such as Europe/Berlin",
    "language": "a language tag (BCP 47), such as pt-BR",
}


@dataclass(frozen=True)
class File:
    """One file of a bundle. `key` are the columns by which rows are matched with what is known."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("external_id",)
    # the first time must not come after the second
    in_order: tuple[tuple[str, str], ...] = ()
    # what becomes of columns that the format does not know
    unknown: Literal["ignore", "attributes", "metrics"] = "ignore"

    @property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def required(self) -> list[str]:
        return [column.name for column in self.columns if column.required]

    @property
    def references(self) -> list[str]:
        """Columns beside the key that name rows of other files, such as the account."""
        return [column.name for column in self.columns if column.names and column.name not in self.key]

    @property
    def file_name(self) -> str:
        return f"{self.name}.csv"
