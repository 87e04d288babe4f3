"""What became of a write: the step is done, has failed, or waits, and says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from playbooks.models import PlayStep
from playbooks.queries import locks
from playbooks.queries.plays import steps_of_intents
from playbooks.services.trail import naming, record_play
from tenants.access import SYSTEM
from tenants.models import Tenant

State = PlayStep.State
# a write that died can be sent again by a person, and then still succeed
EXPECTING = (State.APPROVED, State.FAILED)
WRITTEN_BY = "Written back"
# outcome: how the step stands then, what it says where the event gives no reason, and the event of it
AFTER = {
    "done": (State.DONE, "", "playbooks.step_done"),
    "dead": (State.FAILED, "The other side refused it.", "playbooks.step_failed"),
    "cancelled": (State.FAILED, "The write was cancelled.", "playbooks.step_failed"),
    "blocked": (State.APPROVED, "It waits for a place to be written to.", "playbooks.step_blocked"),
    "replayed": (State.APPROVED, "", "playbooks.step_resent"),
}


@dataclass(frozen=True)
class Result:
    """One event about one write intent."""

    intent_id: int
    outcome: str  # done, dead, blocked, cancelled, replayed
    at: datetime
    reason: str = ""


@transaction.atomic
def follow_writes(tenant: Tenant, *, results: Iterable[Result]) -> int:
    """Move the steps whose writes these were, in the order of the events; how many changed."""
    results = list(results)
    steps = steps_of_intents(tenant, {result.intent_id for result in results})
    return sum(_follow(tenant, steps[each.intent_id], each) for each in results if each.intent_id in steps)


def _follow(tenant: Tenant, step_id: int, result: Result) -> bool:
    play, step = locks.step_for_update(tenant, step_id)
    if step.state not in EXPECTING:
        return False
    before = (step.state, step.remark)
    step.state, words, verb = AFTER[result.outcome]
    step.remark = result.reason or words
    if step.state == State.DONE:
        step.done_at, step.done_by_label, step.remark = result.at, WRITTEN_BY, ""
    if (step.state, step.remark) == before:
        return False
    step.version += 1
    step.save(update_fields=["state", "remark", "done_at", "done_by_label", "version"])
    after = naming(step, state=step.state, reason=step.remark)
    record_play(tenant, play, verb=verb, by=SYSTEM, after=after, decision_ref=step.approval_ref)
    return True
