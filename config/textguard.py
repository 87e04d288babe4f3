"""Text that nothing behind can take is refused at the door, with 400 (PLATFORM 9, inputs 12 and 13).

PostgreSQL keeps no NUL byte; sign-in and htmx's middleware split the addresses they are given, and expect whole ones.

Invalid UTF-8 needs no guard: Django replaces it in queries and forms, and keeps it percent-encoded in paths.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict

NUL = "\x00"
WORDS = "A text holds a character that cannot be kept (NUL)."


class TextGuard:
    """Address, query and cookies before anything reads them; a form's fields before its view does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # a quoted cookie may spell a NUL as \000, and the session is looked up by it
        if NUL in request.path_info or has_nul(_pairs(request.GET)) or has_nul(_cookies(request.COOKIES)):
            raise BadRequest(WORDS)
        check_next(request.GET)
        check_address(request.headers.get("HX-Current-URL", ""))
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> None:
        """An upload that streams to disk reads its own body, and its form checks the few words beside the file."""
        if request.method != "POST" or hasattr(view, "own_transactions"):
            return
        if has_nul(_pairs(request.POST)):
            raise BadRequest(WORDS)
        check_next(request.POST)


def check_next(query: QueryDict) -> None:
    check_address(query.get("next", ""))


def check_address(text: str) -> None:
    """Raises BadRequest for an address that is none, such as `http://[::1`; those who split it expect one."""
    try:
        urlsplit(text)
    except ValueError as error:
        raise BadRequest("The address to go on to is not one.") from error


def has_nul(texts: Iterable[Any]) -> bool:
    return any(isinstance(text, str) and NUL in text for text in texts)


def _pairs(query: QueryDict) -> Iterable[Any]:
    for name, values in query.lists():
        yield name
        yield from values


def _cookies(cookies: Mapping[str, str]) -> Iterable[str]:
    return (*cookies.keys(), *cookies.values())
