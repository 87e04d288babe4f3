"""What allauth asks us: who may try, how secrets are stored, whom the company's sign-in lets in."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest

from config import secrets
from signin import limits, records
from tenants import queries
from tenants.adapter import ClosedDoor
from tenants.ratelimits import address_of

SEALED_FOR = "second factor"


class Door(ClosedDoor):
    """Passwords: counted before they are looked at, failures on record. Nobody signs themselves up."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": "Too many tries. Wait some minutes, or use a browser in which you signed in before.",
        "rate_limited": "Too many tries. Wait some minutes.",
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        login = str(credentials.get("email") or "")
        try:
            with limits.guess(request, login=login, kind=limits.PASSWORD):
                return _or_stop(super().authenticate(request, **credentials))
        except limits.TooMany:
            raise self.validation_error("too_many_login_attempts") from None
        except _WrongOne:
            return None

    def get_client_ip(self, request: HttpRequest) -> str:
        """The one address that every limit counts by."""
        return address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """allauth's own counters know the e-mail alone: anybody could lock its owner out. Ours stand above."""

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        user = queries.user_by_email(str(credentials.get("email") or ""))
        if user is None:
            records.log.info("a sign-in failed for an address without an account")
            return
        records.record(user, "sign_in_failed", by=records.DOOR, request=request, step="password")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is away stops nobody's work; what the mail told is on record all the same."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            records.log.warning(
                "a mail of the kind %s was not sent: %s", template_prefix, type(error).__name__
            )


class _WrongOne(Exception):
    """Leaves the counting block without taking the try back."""


def _or_stop(user: Any) -> Any:
    if user is None:
        raise _WrongOne
    return user


class Factors(DefaultMFAAdapter):
    """Second factors: their secrets are sealed under the installation's key before they reach a table."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right, or was used already. Wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        return secrets.seal(text, purpose=SEALED_FOR)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal(encrypted_text, purpose=SEALED_FOR)

    def get_totp_issuer(self) -> str:
        return settings.PRODUCT_NAME

    def build_totp_svg(self, url: str) -> str:
        """On white, whatever the theme: a camera reads black on dark badly or not at all."""
        import qrcode  # type: ignore[import-untyped]
        from qrcode.image.svg import SvgPathFillImage  # type: ignore[import-untyped]

        return str(qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode"))

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return f"Passkey of {user}"[:100]

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": context.request.get_host().partition(":")[0], "name": settings.PRODUCT_NAME}
