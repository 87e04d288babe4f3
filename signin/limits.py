"""How often somebody may guess, counted so that an attacker cannot lock the owner of an account out.

Three counters stand in front of a password or a code: address and login together, the address alone, and, slowly,
the login alone. A browser that signed in as this person before (devices.py) has a counter of its own and never meets
the others, so a flood from anywhere, even from the same office, leaves the owner's way in. Refused tries are not
counted again, and a good one is taken back. The counters live in the cache, whose connection commits at once: a
request that fails and rolls back has been counted all the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from signin import devices

PASSWORD, CODE, RESET = "password", "code", "reset"


class TooMany(Exception):
    """Wait a while: this was tried too often."""


@contextmanager
def guess(request: HttpRequest, *, login: str, kind: str) -> Iterator[None]:
    """Counts one try; raises TooMany when there were too many. A block that ends well was no guess."""
    taken = _count(request, login=login.strip().lower(), kind=kind)
    yield
    _take_back(taken)


def is_too_often(request: HttpRequest, *, login: str, kind: str) -> bool:
    """Counts one of what is limited but no guess, such as a mail, which no good outcome takes back."""
    try:
        _count(request, login=login.strip().lower(), kind=kind)
    except TooMany:
        return True
    return False


def _count(request: HttpRequest, *, login: str, kind: str) -> list[Any]:
    taken: list[Any] = []
    for counter, key in _counters(request, login):
        usage = ratelimit.consume(
            request, app="signin", action=f"{kind}:{counter}", key=key,
            config={f"{kind}:{counter}": settings.SIGNIN_LIMITS[kind][counter]},
        )  # fmt: skip
        if not usage:
            _take_back(taken)
            raise TooMany
        taken.append(usage)
    return taken


def _take_back(taken: list[Any]) -> None:
    for usage in taken:
        usage.rollback()


def _counters(request: HttpRequest, login: str) -> list[tuple[str, str]]:
    """The slow counter of the login comes last, so that whom another one refused does not use it up."""
    device = devices.known(request, login)
    if device:
        return [("device", f"{device}|{login}")]
    address = ratelimit.get_ip(request)
    return [("address", address), ("address_and_login", f"{address}|{login}"), ("login", login)]


def first_use(user_id: int, code: str) -> bool:
    """Whether this one-time code was never used; in the shared cache, so it holds for all processes.

    It is kept for longer than a code of the next window can be good for.
    """
    mark = sha256(f"{user_id}|{code.strip()}".encode()).hexdigest()
    return bool(cache.add(f"signin.code:{mark}", "used", timeout=4 * 60))
