"""Why a service of plays said no. Views answer Missing with 404, StaleRow and Refused with 409, BadInput with 422."""

from typing import Any


class PlaybookError(Exception):
    """Base of all; its text is written for the person who reads it."""


class Missing(PlaybookError):
    """No such row here, or the person may not see its account: one answer, so that nothing is told by it."""

    def __init__(self, what: str = "This does not exist, or you may not see it.") -> None:
        super().__init__(what)


class StaleRow(PlaybookError):
    """Somebody changed the row since it was read; `row` is how it stands now."""

    def __init__(
        self, row: Any, message: str = "This was changed in the meantime. It stands as shown now."
    ) -> None:
        super().__init__(message)
        self.row = row


class Refused(StaleRow):
    """The row is the one that was read, but its state does not allow this; the text says why."""

    def __init__(self, row: Any, message: str) -> None:
        super().__init__(row, message)


class BadInput(PlaybookError):
    """What was typed cannot be taken; `field` names the form field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
