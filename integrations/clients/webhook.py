"""Sends one signed webhook (Standard Webhooks 1.0) and says what came of it. Knows no tables, and never tries twice."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx
from standardwebhooks.webhooks import Webhook

from integrations.clients.addresses import Network, Resolver, Target, pin
from integrations.clients.errors import Forbidden, Gone, Invalid, OutcomeUnknown, Retryable
from integrations.clients.messages import MAX_BODY, TIMEOUT, Message, Receipt
from integrations.clients.transport import PinnedTransport

MAX_EXCERPT = 2_000  # bytes kept of an answer
LONGEST_AFTER = 24 * 3600.0  # a Retry-After beyond a day is cut to a day
AGENT = "Holdfast-Webhooks/1"


def deliver(
    url: str,
    message: Message,
    *,
    secrets: Sequence[str],
    allowed: Sequence[Network] = (),
    timeout: float = TIMEOUT,
    resolver: Resolver | None = None,
) -> Receipt:
    """POST the message once, signed with every secret. Returns on a 2xx answer; raises a DeliveryFailed otherwise."""
    body = message.body.encode()
    if len(body) > MAX_BODY:
        raise Invalid(f"A webhook holds at most {MAX_BODY:,} bytes; this one has {len(body):,}.")
    target = pin(url, allowed=allowed, resolver=resolver)
    headers = {
        **signature_headers(message, secrets=secrets, now=datetime.now(UTC)),
        "content-type": "application/json; charset=utf-8",
        "user-agent": AGENT,
        "accept-encoding": "identity",  # so that an excerpt is never an inflated bomb
    }
    answer = _post(target, body, headers, timeout)
    return _judged(answer)


def signature_headers(message: Message, *, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The three headers; while a secret is being replaced there are two signatures, the new one first."""
    signatures = [Webhook(secret).sign(message.id, now, message.body) for secret in secrets]
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: httpx.Headers
    excerpt: str
    remark: str


def _post(target: Target, body: bytes, headers: dict[str, str], timeout: float) -> _Answer:
    transport = PinnedTransport(address=target.address, deadline=time.monotonic() + timeout)
    with (
        _failures_named(target),
        httpx.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=timeout) as client,
        client.stream("POST", target.url, content=body, headers=headers) as response,
    ):
        excerpt, remark = _read_some(response)
        return _Answer(response.status_code, response.headers, excerpt, remark)


def _read_some(response: httpx.Response) -> tuple[str, str]:
    """The start of the answer. Its status is known by now, so an answer that breaks off does not change the outcome."""
    kept = bytearray()
    remark = ""
    try:
        for chunk in response.iter_raw():
            kept += chunk
            if len(kept) >= MAX_EXCERPT:
                break
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        remark = "The answer broke off after its status."
    # NUL cannot be stored as text; a character cut in half at the limit is dropped
    return bytes(kept[:MAX_EXCERPT]).decode("utf-8", "ignore").replace("\x00", ""), remark


@contextmanager
def _failures_named(target: Target) -> Iterator[None]:
    """Before anything was sent a failure is harmless; afterwards nobody knows."""
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
        raise Retryable(f"No connection to {target.host}: {_words(error)}.") from error
    except httpcore.TimeoutException as error:
        raise OutcomeUnknown("No answer in time. It may have arrived or not.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise OutcomeUnknown(f"The connection broke before an answer: {_words(error)}.") from error
    except (httpx.InvalidURL, httpcore.UnsupportedProtocol) as error:
        raise Forbidden(f"This is not an address: {_words(error)}.") from error


def _words(error: Exception) -> str:
    return str(error).replace("\x00", "").rstrip(".")[:300] or type(error).__name__


def _judged(answer: _Answer) -> Receipt:
    """2xx is success and nothing else is; what remains is who has to do something about it."""
    status, excerpt = answer.status, answer.excerpt
    if 200 <= status < 300:
        return Receipt(status, excerpt, answer.remark)
    if status == 410:
        raise Gone("The receiver answered 410 Gone: it wants no more.", status=status, excerpt=excerpt)
    if status in (301, 308):
        raise Invalid(_moved(answer), status=status, excerpt=excerpt)
    if status < 400 or status >= 500 or status in (408, 425, 429):
        after = retry_after(answer.headers.get("retry-after", ""), now=datetime.now(UTC))
        raise Retryable(f"The receiver answered {status}.", after=after, status=status, excerpt=excerpt)
    if status in (401, 403):
        words = f"The receiver answered {status}: it does not accept our signature, or does not let us in."
        raise Forbidden(words, status=status, excerpt=excerpt)
    raise Invalid(f"The receiver answered {status}: it refuses this request.", status=status, excerpt=excerpt)


def _moved(answer: _Answer) -> str:
    where = answer.headers.get("location", "").replace("\x00", "")[:200]
    to = f" to {where}" if where else ""
    return f"The receiver has moved{to} ({answer.status}). Redirects are not followed: change the address."


def retry_after(text: str, *, now: datetime) -> float | None:
    """Seconds to wait, from a number or an HTTP date, at most a day; None for what is neither or already past."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError):
            return None
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(seconds, LONGEST_AFTER) if seconds > 0 else None
