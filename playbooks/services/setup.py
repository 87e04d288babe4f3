"""Giving a tenant its first playbooks."""

from django.db import transaction

from audit import services as audit
from playbooks.defaults import PLAYBOOKS, Template
from playbooks.models import Playbook, PlaybookStep
from playbooks.queries.playbooks import playbook_keys
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant


@transaction.atomic
def install_defaults(tenant: Tenant, *, by: Actor = SYSTEM) -> int:
    """Add the default playbooks that the tenant has not got, by key; how many. Those it has stay as they are."""
    have = playbook_keys(tenant)
    missing = [(at, each) for at, each in enumerate(PLAYBOOKS, start=1) if each.key not in have]
    for position, template in missing:
        _install(tenant, template, position=position * 10, by=by)
    return len(missing)


def _install(tenant: Tenant, template: Template, *, position: int, by: Actor) -> None:
    playbook = Playbook.objects.create(
        tenant=tenant,
        key=template.key,
        name=template.name,
        summary=template.summary,
        position=position,
        trigger_indicators=list(template.indicators),
        trigger_score_below=template.score_below,
        trigger_bands=list(template.bands),
    )
    PlaybookStep.objects.bulk_create(
        PlaybookStep(
            tenant=tenant,
            playbook=playbook,
            position=at,
            kind=step.kind,
            title=step.title,
            details=step.details,
            due_days=step.due_days,
            defaults=step.defaults,
        )
        for at, step in enumerate(template.steps, start=1)
    )
    audit.record(
        tenant,
        verb="playbooks.playbook_created",
        by=by,
        subject=playbook,
        after={"key": template.key, "version": 1},
    )
