"""Reading a body that anybody may have written: bounded in size, depth and numbers, and JSON to the letter."""

import json
from typing import Any

from django.http import HttpRequest

from scim.exceptions import ScimError

LARGEST = 2 * 1024**2  # bytes; 10,000 members are about 600 kB
DEEPEST = 12
TYPES = {"application/scim+json", "application/json"}


def read_json(request: HttpRequest) -> Any:
    """The body as Python values. Raises ScimError 400, 413 or 415; nothing larger than LARGEST is ever read."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if not length:
        raise _syntax("it is empty")
    if request.content_type not in TYPES:
        raise ScimError(415, "Send application/scim+json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ScimError(415, "Send the body uncompressed.")
    if length > LARGEST:
        raise ScimError(
            413, f"The body is larger than {LARGEST // 1024**2} MB. Send fewer members at a time."
        )
    return parse(request.body)  # the server reads no more than the length that was said


def parse(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except RecursionError:
        raise _syntax("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise _syntax("it is not UTF-8") from None
    except ValueError as error:  # also a number of more digits than Python reads
        raise _syntax(str(error)[:120]) from None
    _check(value)
    return value


def _syntax(why: str) -> ScimError:
    return ScimError(400, f"The body is not JSON that can be read: {why}.", scim_type="invalidSyntax")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _check(value: Any) -> None:
    """Depth, and texts that the database cannot hold. A loop, because the depth is what is in question."""
    waiting = [(value, 1)]
    while waiting:
        at, depth = waiting.pop()
        if depth > DEEPEST:
            raise _syntax(f"it is nested more than {DEEPEST} levels deep")
        if isinstance(at, dict):
            waiting += [(each, depth + 1) for pair in at.items() for each in pair]
        elif isinstance(at, list):
            waiting += [(each, depth + 1) for each in at]
        elif isinstance(at, str):
            _check_text(at)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise _syntax("a text holds the character NUL")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _syntax("a text holds half a character") from None
