"""What a person says that the rules do not allow; each message can be shown to them."""

from scoring.exceptions import ScoringError


class Refused(ScoringError):
    """`field` names the form field at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
