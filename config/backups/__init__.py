"""Backup and restore of a whole installation: the database, uploads, and the seals written outside (ADR 0017)."""


class BackupError(Exception):
    """It cannot be done; the message says why and what to do. `usage`: the command was called wrongly."""

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage
