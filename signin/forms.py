"""Codes of an authenticator app and recovery codes: counted, and good for once in all processes."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factors
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms

from signin import limits


class _Counted:
    """Mixed into allauth's forms, whose own counter would let anybody lock the owner out."""

    user: Any
    authenticator: Any

    def clean_code(self) -> str:
        try:
            with limits.guess(context.request, login=self.user.email, kind=limits.CODE):
                code = str(super().clean_code())  # type: ignore[misc]
                if not limits.first_use(self.user.pk, code):
                    self._emit_authentication_failed(self.authenticator)  # type: ignore[attr-defined]
                    raise get_factors().validation_error("incorrect_code")
                return code
        except limits.TooMany:
            raise get_adapter().validation_error("too_many_login_attempts") from None


class SignInCodeForm(_Counted, AuthenticateForm):  # type: ignore[misc]
    pass


class ProofCodeForm(_Counted, ReauthenticateForm):  # type: ignore[misc]
    pass


class NewAppForm(ActivateTOTPForm):  # type: ignore[misc]
    """The code that starts an app is used up with it: it does not sign in a second browser."""

    def clean_code(self) -> str:
        code = str(super().clean_code())
        if not limits.first_use(self.user.pk, code):
            raise get_factors().validation_error("incorrect_code")
        return code


# what the key libraries raise for an answer that is no answer of a key
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


class _Readable:
    """Mixed into allauth's passkey forms: nonsense in place of a key's answer is a wrong answer, not a failure."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except _UNREADABLE as error:
            raise get_factors().validation_error("incorrect_code") from error


class SignInKeyForm(_Readable, AuthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class KeyAloneForm(_Readable, LoginWebAuthnForm):  # type: ignore[misc]
    pass


class ProofKeyForm(_Readable, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class NewKeyForm(AddWebAuthnForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean())
        except _UNREADABLE as error:
            raise get_factors().validation_error("incorrect_code") from error

    def clean_name(self) -> str:
        return str(super().clean_name())[:100]


class BrowserForm(forms.Form):
    """Which browser to sign out; nothing means all but this one."""

    browser = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
