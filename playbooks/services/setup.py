"""Giving a tenant its first playbooks, and changing them later."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction

from audit import services as audit
from playbooks.defaults import PLAYBOOKS, Template
from playbooks.models import Playbook, PlaybookStep
from playbooks.queries.playbooks import playbook_for_update, playbook_keys, steps_of_playbook
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant


@dataclass(frozen=True)
class StepValues:
    """One step of a playbook, without its place: that is its place in the list."""

    title: str
    due_days: int
    details: str = ""
    kind: str = PlaybookStep.Kind.TASK
    defaults: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def install_defaults(tenant: Tenant, *, by: Actor = SYSTEM) -> int:
    """Add the default playbooks that the tenant has not got, by key; how many. Those it has stay as they are."""
    have = playbook_keys(tenant)
    missing = [(at, each) for at, each in enumerate(PLAYBOOKS, start=1) if each.key not in have]
    for position, template in missing:
        _install(tenant, template, position=position * 10, by=by)
    return len(missing)


@transaction.atomic
def change_playbook(
    tenant: Tenant,
    *,
    playbook: Playbook,
    steps: Sequence[StepValues],
    before: dict[str, Any] | None,
    after: dict[str, Any],
    by: Actor,
    request_id: str = "",
) -> Playbook:
    """Write the playbook's fields and its steps, as a new version. Plays that run keep the steps they began with.

    `before` is None for a new playbook.
    """
    if playbook.pk:
        playbook.version = playbook_for_update(tenant, playbook.pk).version + 1
    playbook.save()
    was = [_values_of(row) for row in steps_of_playbook(tenant, playbook_id=playbook.pk)]
    if was != list(steps):
        _write_steps(tenant, playbook, steps)
        after = after | {"steps": [asdict(step) for step in steps]}
        before = None if before is None else before | {"steps": [asdict(step) for step in was]}
    audit.record(
        tenant,
        verb="playbooks.playbook_created" if before is None else "playbooks.playbook_changed",
        by=by,
        subject=playbook,
        before=before,
        after=after | {"version": playbook.version},
        request_id=request_id,
    )
    return playbook


def _install(tenant: Tenant, template: Template, *, position: int, by: Actor) -> None:
    playbook = Playbook.objects.create(
        tenant=tenant,
        key=template.key,
        name=template.name,
        summary=template.summary,
        type=template.type,
        position=position,
        trigger_on=template.on,
        trigger_indicators=list(template.indicators),
        trigger_score_below=template.score_below,
        trigger_bands=list(template.bands),
        trigger_days=template.days,
        trigger_chance_below=template.chance_below,
        trigger_level=template.level,
    )
    _write_steps(tenant, playbook, template.steps)
    after = {"key": template.key, "version": 1}
    audit.record(tenant, verb="playbooks.playbook_created", by=by, subject=playbook, after=after)


def _write_steps(tenant: Tenant, playbook: Playbook, steps: Sequence[Any]) -> None:
    """All anew: nothing points at a definition's steps, and places can then never clash half-way."""
    steps_of_playbook(tenant, playbook_id=playbook.pk).delete()
    PlaybookStep.objects.bulk_create(
        PlaybookStep(
            tenant=tenant,
            playbook=playbook,
            position=position,
            kind=step.kind,
            title=step.title,
            details=step.details,
            due_days=step.due_days,
            defaults=step.defaults,
        )
        for position, step in enumerate(steps, start=1)
    )


def _values_of(row: PlaybookStep) -> StepValues:
    return StepValues(row.title, row.due_days, row.details, row.kind, row.defaults)
