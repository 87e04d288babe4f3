"""How long a session lives, decided on the server: 30 minutes without use, 12 hours whatever happens (settings).

The two times stand in the session itself, so that a request pays no query for them; the row that the person sees in
the list of browsers is brought up to date with them, once a minute at most.
"""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from signin import queries, records
from signin.models import SignedIn
from tenants.access import Actor
from tenants.models import Membership, User

SINCE, SEEN = "signin_since", "signin_seen"
TOUCH_EVERY = 60


def is_signed_in(request: HttpRequest) -> bool:
    return SESSION_KEY in request.session


def begin(request: HttpRequest, user: User) -> None:
    """Called when somebody signed in: the two times, and the row in the list."""
    request.session[SINCE] = request.session[SEEN] = int(time.time())
    if not request.session.session_key:
        request.session.save()
    _forget_old()
    SignedIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "started_at": timezone.now(),
            "seen_at": timezone.now(),
            "address": records.address_of(request),
            "agent": _printable(request.headers.get("User-Agent", ""))[:300],
        },
    )


def over(request: HttpRequest) -> str:
    """Why this session has ended, in words for the person; empty while it goes on."""
    now = int(time.time())
    since, seen = (int(request.session.get(name, now)) for name in (SINCE, SEEN))
    if now - since >= settings.SIGNIN_ABSOLUTE_SECONDS:
        return "You were signed out, because every sign-in ends after some hours. Sign in again."
    if now - seen >= settings.SIGNIN_IDLE_SECONDS:
        return "You were signed out, because nothing happened here for a while. Sign in again."
    return ""


def touch(request: HttpRequest) -> None:
    """The person is still here; written once a minute at most."""
    now = int(time.time())
    request.session.setdefault(SINCE, now)
    if now - int(request.session.get(SEEN, 0)) < TOUCH_EVERY:
        return
    request.session[SEEN] = now
    SignedIn.objects.filter(session_key=request.session.session_key).update(
        seen_at=timezone.now(), address=records.address_of(request)
    )


def forget(session_key: str | None) -> None:
    """The row of a session that ended by itself."""
    SignedIn.objects.filter(session_key=session_key).delete()


def is_still_there(session_key: str) -> bool:
    return Session.objects.filter(session_key=session_key).exists()


def open_browsers(user: User) -> Any:
    """The person's browsers in which the session still goes on."""
    idle = timezone.now() - timedelta(seconds=settings.SIGNIN_IDLE_SECONDS)
    return queries.open_browsers_of(user, since=idle)


def end(user: User, *, keep: str = "", only: int | None = None) -> int:
    """End the person's sessions, all but `keep` (a session's key) or the one of row `only`; how many there were.

    A request that is under way with such a session cannot bring it back: saving a deleted session is refused.
    """
    rows = queries.browsers_of(user).exclude(session_key=keep)
    if only is not None:
        rows = rows.filter(pk=only)
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    SignedIn.objects.filter(session_key__in=keys).delete()
    return len(keys)


def end_and_record(
    user: User, *, why: str, by: Actor | None = None, request: HttpRequest | None = None, **which: Any
) -> int:
    """`end`, on record in the person's workspaces when there was something to end."""
    count = end(user, **which)
    if count:
        records.record(user, "sessions_ended", by=by, request=request, why=why, count=count)
    return count


def end_for_rights(membership: Membership) -> None:
    """A role changed or a membership ended: whoever sits in a session of before signs in anew (tenants.hooks)."""
    count = end(membership.user)
    if count:
        records.record_in(
            membership.tenant, membership.user, "sessions_ended", by=records.DOOR, why="rights changed", count=count
        )  # fmt: skip


def _forget_old() -> None:
    """Rows and sessions past any use, cleared by whoever signs in next; both have an index on their time."""
    past = timezone.now() - timedelta(seconds=settings.SIGNIN_ABSOLUTE_SECONDS)
    _clear(SignedIn.objects.filter(seen_at__lt=past))
    _clear(Session.objects.filter(expire_date__lt=timezone.now()))


def _clear(rows: Any) -> None:
    """At most a thousand, without those that another sign-in clears right now: two that wait would fail both."""
    with transaction.atomic():
        old = rows.select_for_update(skip_locked=True).values("pk")[:1000]
        rows.model.objects.filter(pk__in=old).delete()


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable())
