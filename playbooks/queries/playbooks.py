"""Reads of playbooks, the definitions."""

from django.db.models import QuerySet

from playbooks.models import Playbook, PlaybookStep
from tenants.models import Tenant


def playbook_keys(tenant: Tenant) -> set[str]:
    return set(Playbook.objects.for_tenant(tenant).values_list("key", flat=True))


def steps_of_playbook(tenant: Tenant, *, playbook_id: int) -> QuerySet[PlaybookStep]:
    """In the order in which they are done."""
    return PlaybookStep.objects.for_tenant(tenant).filter(playbook_id=playbook_id).order_by("position", "pk")


def playbook_for_update(tenant: Tenant, playbook_id: int) -> Playbook:
    """As it stands, locked: of two who change it at once the second sees the first's version."""
    return Playbook.objects.for_tenant(tenant).select_for_update().get(pk=playbook_id)


def trigger_limits(tenant: Tenant) -> list[tuple[str, int]]:
    """Name and limit of every playbook that a low indicator may suggest, in the order in which they are tried."""
    rows = Playbook.objects.for_tenant(tenant).filter(
        state=Playbook.State.ACTIVE, trigger_on=Playbook.TriggerOn.LOW
    )
    rows = rows.order_by("position", "pk")
    return list(rows.values_list("name", "trigger_score_below"))
