"""How a delivery can fail, as the outbox needs to know it. A client only names the failure; it never tries again."""


class DeliveryFailed(Exception):
    """`status` and `excerpt` tell what the receiver answered, when it did."""

    def __init__(self, words: str, *, status: int | None = None, excerpt: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.status = status
        self.excerpt = excerpt


class Retryable(DeliveryFailed):
    """Nothing happened over there, and another try may succeed, not before `after` seconds if that is given."""

    def __init__(
        self, words: str, *, after: float | None = None, status: int | None = None, excerpt: str = ""
    ) -> None:
        super().__init__(words, status=status, excerpt=excerpt)
        self.after = after


class OutcomeUnknown(DeliveryFailed):
    """It was sent, and no answer came: it may have happened or not."""


class Invalid(DeliveryFailed):
    """The receiver refuses this content or this request: a person has to look."""


class Forbidden(DeliveryFailed):
    """We may not send there, or the receiver does not let us in: a person has to look."""


class Gone(DeliveryFailed):
    """410: the receiver wants no more, from this endpoint, ever."""
