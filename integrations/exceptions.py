"""What the integrations' services refuse, in words for the person who asked."""


class IdempotencyConflict(Exception):
    """The same business event was planned before with other content; neither is sent twice nor changed silently."""


class NotAsApproved(ValueError):
    """The content to be written is not the content that was approved."""


class PayloadTooLarge(ValueError):
    """What is to be sent exceeds the limit for one webhook."""


class EndpointRefused(ValueError):
    """An endpoint's name, address or secret cannot be used; `field` says which."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


class StaleVersion(Exception):
    """Somebody else changed the row since it was shown."""


class NotPossible(Exception):
    """The delivery or endpoint is in a state that does not allow this; the text says why."""
