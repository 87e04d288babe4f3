"""Codes of an authenticator app and recovery codes: counted, and good for once in all processes."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factors
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
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


class BrowserForm(forms.Form):
    """Which browser to sign out; nothing means all but this one."""

    browser = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
