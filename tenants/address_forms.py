"""allauth's form for a forgotten password, for addresses that were proven alone."""

from allauth.account.forms import ResetPasswordForm

from tenants import addresses
from tenants.models import User


class ResetForm(ResetPasswordForm):  # type: ignore[misc]
    users: list[User]

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self.users = [each for each in self.users if addresses.is_proven(each, email.lower())]
        return email
