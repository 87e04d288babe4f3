"""Reads of playbooks, the definitions."""

from django.db.models import QuerySet

from playbooks.models import Playbook, PlaybookStep
from tenants.models import Tenant


def playbook_keys(tenant: Tenant) -> set[str]:
    return set(Playbook.objects.for_tenant(tenant).values_list("key", flat=True))


def steps_of_playbook(tenant: Tenant, *, playbook_id: int) -> QuerySet[PlaybookStep]:
    """In the order in which they are done."""
    return PlaybookStep.objects.for_tenant(tenant).filter(playbook_id=playbook_id).order_by("position", "pk")
