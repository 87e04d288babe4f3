"""The events of plays. Whatever happens to a play's steps and tasks is told of the play, so that one look-up by object
is its whole story; `after` names the step."""

from typing import Any

from audit import services as audit
from playbooks.models import Play, PlayStep, Recommendation
from tenants.access import Actor
from tenants.models import Tenant

PLAY = "playbooks.play"
RECOMMENDATION = "playbooks.recommendation"


def record_suggestion(
    tenant: Tenant,
    row: Recommendation,
    *,
    verb: str,
    by: Actor,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    audit.record(
        tenant,
        verb=verb,
        by=by,
        object_type=RECOMMENDATION,
        object_id=str(row.pk),
        object_label=f"{row.playbook.name}, {row.account.name}",
        account_id=row.account_id,
        before=before,
        after=after,
    )


def record_play(
    tenant: Tenant,
    play: Play,
    *,
    verb: str,
    by: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    decision_ref: str = "",
) -> None:
    audit.record(
        tenant,
        verb=verb,
        by=by,
        object_type=PLAY,
        object_id=str(play.pk),
        object_label=f"{play.playbook.name}, {play.account.name}",
        account_id=play.account_id,
        decision_ref=decision_ref,
        before=before,
        after=after,
    )


def naming(step: PlayStep, **more: Any) -> dict[str, Any]:
    """What an event says of a step, with whatever else changed."""
    return {"step_id": step.pk, "position": step.position, "step": step.title, **more}
