"""What can stand in the way of scoring; each message can be shown to a person."""


class ScoringError(Exception):
    """Base of this app's refusals."""


class NothingToScore(ScoringError):
    """No customer on that day, or no evidence at all."""


class ScoringInProgress(ScoringError):
    """Another run of the same tenant has not ended."""


class NoPolicy(ScoringError):
    """No published health policy covers an account."""


class OverrideRefused(ScoringError):
    """An override that the rules do not allow; `field` names the form field at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class PolicyRefused(ScoringError):
    """A policy that cannot be saved, published or rolled back; the text says what to mend."""
