"""The browsers that a person signed in with before: a signed cookie, which opens nothing and only spares the limits.

After "device cookies" of OWASP: guessing from a stolen one has its own, equally small, counter.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

_SALT = "signin.device"
_KEPT = 5  # people who share a browser
GOOD_FOR = 180 * 86_400


def known(request: HttpRequest, login: str) -> str:
    """The browser's id if this login was signed in with it; else empty."""
    said = _read(request)
    return str(said["id"]) if _mark(login) in said["logins"] else ""


def remember_later(request: HttpRequest, login: str) -> None:
    """The middleware adds the cookie to this request's answer."""
    request.known_login = login  # type: ignore[attr-defined]


def add_cookie(request: HttpRequest, response: HttpResponse) -> None:
    login = getattr(request, "known_login", None)
    if login is None:
        return
    said = _read(request)
    logins = [_mark(login), *(each for each in said["logins"] if each != _mark(login))][:_KEPT]
    response.set_cookie(
        settings.SIGNIN_DEVICE_COOKIE,
        signing.dumps({"id": said["id"], "logins": logins}, salt=_SALT),
        max_age=GOOD_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> dict[str, Any]:
    nobody: dict[str, Any] = {"id": secrets.token_urlsafe(12), "logins": []}
    try:
        said = signing.loads(
            request.COOKIES.get(settings.SIGNIN_DEVICE_COOKIE, ""), salt=_SALT, max_age=GOOD_FOR
        )
    except signing.BadSignature:
        return nobody
    return said if isinstance(said, dict) else nobody


def _mark(login: str) -> str:
    """The login as the cookie keeps it: nobody who finds the cookie reads the address out of it."""
    return salted_hmac(_SALT, login.strip().lower()).hexdigest()[:20]
