"""Nothing a sandbox writes leaves it: the backend of all mail keeps what is sent inside a sandbox (docs/security.md).

Whoever sends mail uses Django's own functions. With a sandbox as the active tenant the message becomes a row that the
page Mailbox shows; with any other tenant, or none, as at sign-in, it goes to the real backend, settings.MAIL_BACKEND.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from tenants.mailbox_models import MailboxMessage
from tenants.models import Tenant
from tenants.scoping import active_tenant_id, has_active_tenant


class KeepsSandboxMail(BaseEmailBackend):
    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._options = options

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sandbox = active_sandbox()
        if sandbox is None:
            real = get_connection(settings.MAIL_BACKEND, fail_silently=self.fail_silently, **self._options)
            return int(real.send_messages(email_messages) or 0)
        MailboxMessage.objects.bulk_create(_kept(sandbox, message) for message in email_messages)
        return len(email_messages)


def active_sandbox() -> Tenant | None:
    """The tenant that is worked in, if it is a sandbox."""
    if not has_active_tenant():
        return None
    tenant = Tenant.objects.get(pk=active_tenant_id())
    return tenant if tenant.is_sandbox else None


def _kept(tenant: Tenant, message: EmailMessage) -> MailboxMessage:
    return MailboxMessage(
        tenant=tenant,
        to=", ".join(message.recipients())[:10_000],
        sender=(message.from_email or settings.DEFAULT_FROM_EMAIL)[:320],
        subject=" ".join(str(message.subject).split())[:1000],
        text=str(message.body)[:100_000],
    )
