"""What goes out and what comes of it. Without the client that sends it, whose libraries the pages do without."""

from dataclasses import dataclass

TIMEOUT = 15.0  # seconds for the whole call: look-up aside, from connecting to the last byte we read
MAX_BODY = 20_000  # bytes of one webhook


@dataclass(frozen=True)
class Message:
    """What is sent: the id is the same at every try, so a receiver can tell a repeat."""

    id: str
    body: str


@dataclass(frozen=True)
class Receipt:
    """The receiver took it."""

    status: int
    excerpt: str
    remark: str = ""
