"""What can be wrong with a bundle. Every message says what and how to mend it, in words for the person who sent it."""


class BundleRefused(Exception):
    """Nothing at all lands: a broken archive, something in it that may not be there, no accounts in a first import."""


class FileStopped(Exception):
    """This file lands not at all; the others go on."""


class UnreadableFile(FileStopped):
    """The file is no CSV that can be read; names the line, and the column where it is known."""

    def __init__(self, what: str, *, line: int, column: str = "") -> None:
        where = f"line {line}, column {column}" if column else f"line {line}"
        super().__init__(f"Cannot be read at {where}: {what}")
        self.line = line
        self.column = column


class AnotherImportRuns(Exception):
    """One import a tenant at a time: two would merge the same rows from two sides."""
