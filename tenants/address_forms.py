"""allauth's form for a forgotten password, for addresses that were proven alone."""

from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.http import HttpRequest

from tenants import addresses
from tenants.models import User


class ResetForm(ResetPasswordForm):  # type: ignore[misc]
    users: list[User]

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self.users = [each for each in self.users if addresses.is_proven(each, email.lower())]
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """The answer as for any address; but a stand-in's gets not even the mail that nobody is known by it."""
        email = str(self.cleaned_data["email"])
        return email if addresses.is_nobodys(email) else str(super().save(request, **kwargs))
