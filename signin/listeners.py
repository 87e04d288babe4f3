"""What follows a sign-in, a sign-out and a change of factors; allauth tells it by signals, there is no other way."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as factor
from django.contrib.auth.signals import user_logged_in, user_logged_out

from signin import devices, fresh, records, sessions
from tenants import hooks

# the rows that give allauth its words for factors
_WORDS = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


def connect() -> None:
    """Once, at start-up."""
    user_logged_in.connect(_began, dispatch_uid="signin")
    user_logged_out.connect(_left, dispatch_uid="signin")
    account.user_logged_in.connect(_signed_in, dispatch_uid="signin")
    account.password_changed.connect(_password_changed, dispatch_uid="signin")
    account.password_set.connect(_password_changed, dispatch_uid="signin")
    account.password_reset.connect(_password_changed, dispatch_uid="signin")
    account.email_changed.connect(_email_changed, dispatch_uid="signin")
    factor.authenticator_added.connect(_factor_added, dispatch_uid="signin")
    factor.authenticator_removed.connect(_factor_removed, dispatch_uid="signin")
    factor.authenticator_reset.connect(_codes_made, dispatch_uid="signin")
    factor.authenticator_used.connect(_factor_used, dispatch_uid="signin")
    factor.authentication_failed.connect(_code_refused, dispatch_uid="signin")
    hooks.when_rights_changed(sessions.end_for_rights)


def _began(sender: Any, request: Any, user: Any, **rest: Any) -> None:
    """Every sign-in, also one that a test makes without a page."""
    sessions.begin(request, user)
    fresh.begin(request, user)


def _left(sender: Any, request: Any, user: Any, **rest: Any) -> None:
    if request is not None:
        sessions.forget(request.session.session_key)


def _signed_in(sender: Any, request: Any, user: Any, **rest: Any) -> None:
    """A sign-in through the pages, after every step of it."""
    from allauth.account.authentication import get_authentication_records
    from allauth.account.models import EmailAddress

    # an admin or the company's sign-in stated the address; a further one is proven by mail before it counts
    EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True, "verified": True}
    )
    devices.remember_later(request, user.email)
    steps = [str(each["method"]) for each in get_authentication_records(request, user)]
    records.record(user, "signed_in", request=request, steps=steps)


def _password_changed(sender: Any, request: Any, user: Any, **rest: Any) -> None:
    records.record(user, "password_changed", request=request)
    sessions.end_and_record(user, why="password changed", request=request)


def _email_changed(
    sender: Any, request: Any, user: Any, from_email_address: Any, to_email_address: Any, **rest: Any
) -> None:
    before = from_email_address.email if from_email_address else ""
    records.record(user, "email_changed", request=request, before=before, now=to_email_address.email)


def _factor_added(sender: Any, request: Any, user: Any, authenticator: Any, **rest: Any) -> None:
    records.record(user, "factor_added", request=request, factor=_WORDS[authenticator.type])


def _factor_removed(sender: Any, request: Any, user: Any, authenticator: Any, **rest: Any) -> None:
    """Sessions elsewhere were opened under the stronger rule: they end."""
    records.record(user, "factor_removed", request=request, factor=_WORDS[authenticator.type])
    keep = request.session.session_key or ""
    sessions.end_and_record(user, why="second factor removed", request=request, keep=keep)


def _codes_made(sender: Any, request: Any, user: Any, **rest: Any) -> None:
    records.record(user, "recovery_codes_made", request=request)


def _factor_used(sender: Any, request: Any, user: Any, authenticator: Any, **rest: Any) -> None:
    if authenticator.type == "recovery_codes":
        records.record(user, "recovery_code_used", request=request)


def _code_refused(sender: Any, request: Any, user: Any, authenticator: Any, **rest: Any) -> None:
    records.record(user, "sign_in_failed", by=records.DOOR, request=request, step=_WORDS[authenticator.type])
