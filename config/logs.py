"""Log lines for machines (json) or people (line), and nothing personal in either.

What people type ends up in exception messages and addresses: PostgreSQL quotes values, Django logs paths. So a line
never holds a path, a query string, an e-mail address, a token, or what stands in quotes in an exception's message.
Tracebacks keep their frames, which hold code and no data. Needs no Django, because gunicorn's master logs too.
"""

import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from config import log_context

LONGEST = 2000
CHAIN = 5  # exceptions of one chain at most
# their messages quote what came in
FOREIGN = ("django", "gunicorn", "allauth", "py.warnings", "asyncio", "urllib3", "httpx")
EMAIL = re.compile(r"[^\s@<>\"'=,;:(]+@[\w.-]+\.\w+")
QUERY = re.compile(r"\?[^\s\"'<>]+=[^\s\"'<>]*")
# 20 characters and more of mixed case with a digit: session keys, invitation and service tokens, key material
TOKEN = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{20,}")
SECRET = re.compile(r"(?i)\b(bearer|token|password|secret)([=: ]+)\S+")
URL_USER = re.compile(r"://[^\s/@]+@")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|‘[^’]*’|`[^`]*`|\(([^()]*)\)=\([^()]*\)")
HIDDEN = "…"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def scrubbed(text: str, *, quoted: bool = False) -> str:
    """The text without addresses of people, query strings and tokens; with `quoted`, without quotations too."""
    text = URL_USER.sub("://", text[: 4 * LONGEST])
    text = EMAIL.sub(f"{HIDDEN}@{HIDDEN}", text)
    text = QUERY.sub(f"?{HIDDEN}", text)
    text = SECRET.sub(rf"\1\2{HIDDEN}", text)
    text = TOKEN.sub(HIDDEN, text)
    if quoted:
        text = QUOTED.sub(f"'{HIDDEN}'", text)
    return text[:LONGEST]


def in_words(error: BaseException) -> str:
    """Type and message. Of a database error its code and names: its detail holds the row's values."""
    name = type(error).__name__
    diag = getattr(error, "diag", None) or getattr(error.__cause__, "diag", None)
    if diag is not None and getattr(diag, "sqlstate", None):
        where = [part for part in (diag.table_name, diag.constraint_name) if part]
        said = scrubbed(diag.message_primary or "", quoted=True)
        return f"{name} {diag.sqlstate} {' '.join(where)}: {said}".replace(" :", ":")
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{name}: {scrubbed(first, quoted=True)}"


def traced(error: BaseException) -> str:
    """The frames of the whole chain, the innermost cause first, each with its exception in words."""
    parts = []
    for each in reversed(list(_chain(error))):
        parts.append("".join(traceback.format_tb(each.__traceback__)) + in_words(each))
    return "\n".join(parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(CHAIN):
        if found is None:
            return
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def message_of(record: logging.LogRecord) -> str:
    """The message, with every exception among its arguments in words and every path as the name of its route."""
    args = record.args
    if isinstance(args, tuple):
        args = tuple(in_words(each) if isinstance(each, BaseException) else each for each in args)
    try:
        text = str(record.msg) % args if args else str(record.msg)
    except (TypeError, ValueError):
        text = str(record.msg)
    request = getattr(record, "request", None)
    if request is not None and hasattr(request, "get_full_path"):
        route = log_context.route_of(request)
        for path in (request.get_full_path(), request.path):
            text = text.replace(path, route)
    if record.name.startswith("gunicorn") and "request" in text:
        text = re.sub(r"\s/\S*", f" /{HIDDEN}", text)  # gunicorn knows no routes
    return scrubbed(text, quoted=record.name.startswith(FOREIGN))


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Everything a line holds, in the order in which it is printed."""
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": message_of(record),
        **log_context.current(),
        **getattr(record, "fields", {}),
    }
    if record.exc_info and isinstance(record.exc_info[1], BaseException):
        fields["error"] = in_words(record.exc_info[1])
        fields["traceback"] = traced(record.exc_info[1])
    return fields


class JsonLine(JsonFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return self.jsonify_log_record(fields_of(record))


class PlainLine(logging.Formatter):
    """The same for a person's eyes: what happened, then what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        fields = fields_of(record)
        trace = fields.pop("traceback", "")
        head = " ".join(str(fields.pop(name)) for name in ("time", "level", "logger", "message"))
        about = " ".join(f"{name}={value}" for name, value in fields.items() if name != "error")
        return f"{head} [{about}]" + (f"\n{trace}" if trace else "") if about or trace else head


def configuration(*, style: str, level: str, access: bool) -> dict[str, Any]:
    """For logging.config.dictConfig: everything goes to standard error, which the supervisor passes on."""
    formatter = "config.logs.JsonLine" if style == "json" else "config.logs.PlainLine"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "holdfast.access": {"level": "INFO" if access else "CRITICAL"},
            "holdfast.audit": {"level": "INFO"},  # the day's seals: a copy outside of the database
        },
    }
