"""The form for a forgotten password, counted so that a stranger cannot use up the owner's mails."""

from typing import Any

from django.http import HttpRequest

from signin import limits
from tenants.address_forms import ResetForm


class CountedResetForm(ResetForm):
    """Over a limit the answer is the same and no mail goes out.

    A stranger who asks again and again for somebody's address fills the counter of their own address first. The slow
    one of the login spares the mailbox; it bars nobody, since every link that was mailed until then still works.
    """

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email = str(self.cleaned_data["email"])
        if limits.is_too_often(request, login=email, kind=limits.RESET):
            return email
        return str(super().save(request, **kwargs))
