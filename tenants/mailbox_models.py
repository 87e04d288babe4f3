"""Mail that a sandbox would have sent."""

from django.db import models
from django.utils import timezone

from tenants.scoping import TenantModel


class MailboxMessage(TenantModel):
    """One mail that stayed in the sandbox it was written in (tenants.mail)."""

    to = models.TextField()
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=1000)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-id"], name="mailbox_newest_ix")]

    def __str__(self) -> str:
        return self.subject
