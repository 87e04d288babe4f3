"""What an admin does with a version: each step asks for a reason, is refused in words, and is harmless twice.

Steps that open the document go through a job (`CHANGE`), because a web process does not load the maths; what speaks
against them is said at once and checked again by the job.
"""

from dataclasses import dataclass

from django.db import transaction

from jobs import services as jobs
from jobs.models import Job
from scoring.automation import earned, queries, report
from scoring.learning import registry
from scoring.learning.registry import ModelRefused
from scoring.models import ChurnModel
from scoring.tasks import score_newest_again
from tenants.access import Actor
from tenants.models import Tenant

State = ChurnModel.State

CHANGE = "scoring.change_model"
MOST_WORDS = 500


@dataclass(frozen=True)
class Step:
    """One thing that can be done with a version, from which states, and what it means."""

    key: str
    label: str
    starts: tuple[str, ...]
    ends: str  # the state afterwards; empty where it depends
    words: str
    by_job: bool = False


STEPS = {
    step.key: step
    for step in (
        Step(
            "shadow", "Put into shadow", (State.DRAFT,), State.SHADOW,
            "Its chances are kept aside at every scoring and shown to nobody.",
        ),
        Step(
            "advisory", "Promote to advisory", (State.DRAFT, State.SHADOW), State.ADVISORY,
            "Its chances are shown, route the queue and raise events: the newest day is scored again at once. It "
            "replaces the version in force, and newer ones that were taken back are used for no day any more.",
            by_job=True,
        ),
        Step(
            "automatic", "Promote to automatic", (State.ADVISORY,), State.AUTOMATIC,
            "Playbooks that may start without a click begin by themselves, for accounts whose own chance is high "
            "enough. Their owners are told and can stop them.", by_job=True,
        ),
        Step(
            "take_back", "Take back one step", (State.ADVISORY, State.AUTOMATIC), "",
            "Automatic becomes advisory; advisory becomes shadow, and its chances leave the pages: the newest day is "
            "scored again at once.",
        ),
        Step(
            "roll_back", "Roll back to this version", (State.RETIRED,), State.ADVISORY,
            "It is in force again, and newer versions are not used any more.", by_job=True,
        ),
        Step(
            "retire", "Retire", (State.DRAFT, State.SHADOW), State.RETIRED, "It is not watched or used any more.",
        ),
    )
}  # fmt: skip

PUTS_IN_FORCE = ("advisory", "roll_back")  # the newest day is scored again at once


def steps_for(model: ChurnModel) -> list[Step]:
    """What can be asked for from where the version stands."""
    return [
        step
        for step in STEPS.values()
        if model.state in step.starts and (step.key != "roll_back" or model.is_usable)
    ]


def refusal(tenant: Tenant, model: ChurnModel, step: Step) -> str:
    """Why this step is refused now, with the figure of what fails; empty: it may be taken."""
    if model.state not in step.starts or (step.key == "roll_back" and not model.is_usable):
        return f"{model} is {model.get_state_display().lower()}: “{step.label}” is not for it."
    if step.key == "advisory":
        return _against_showing(tenant, model)
    if step.key == "automatic" and (words := earned.against(tenant, model)):
        return f"Refused: {words}"
    return ""


def _against_showing(tenant: Tenant, model: ChurnModel) -> str:
    """A leak always refuses; a gate of the back-test may be made up for by what was seen in the shadow."""
    if found := report.leaks(model.report):
        return f"Refused: {' '.join(found)}"
    found = report.refusals(model.report)
    gates = queries.gates_of(tenant, [model.pk]).get(model.pk)
    shown = {row.key: row.passed for row in gates.rows} if gates else {}
    if not found or all(shown.get(key) for key in ("closed_windows", "leavers", "calibration", "slope")):
        return ""
    return f"Refused: {' '.join(found)}"


@transaction.atomic
def take_step(
    tenant: Tenant, *, model_id: int, key: str, row_version: int, why: str, by: Actor
) -> Job | None:
    """Do it, or ask the job that does (returned). Raises ModelRefused; the same again changes nothing."""
    step = STEPS[key]
    model = _asked(tenant, model_id, step, row_version, why)
    if model is None:
        return None
    if not step.by_job:
        _apply(tenant, model, step, why=why, by=by)
        return None
    args = {
        "model_id": model_id, "step": key, "row_version": row_version, "why": why.strip()[:MOST_WORDS],
        "actor": {"kind": by.kind, "id": by.id, "label": by.label},
    }  # fmt: skip
    return jobs.enqueue(
        tenant, kind=CHANGE, args=args, by=by, dedupe_key=f"{CHANGE}:{model_id}:{key}:{row_version}"
    )


@transaction.atomic
def finish_step(
    tenant: Tenant, *, model_id: int, key: str, row_version: int, why: str, by: Actor
) -> ChurnModel:
    """The job's half, checked anew. Raises ModelRefused or CorruptModel; a second run changes nothing."""
    step = STEPS[key]
    model = _asked(tenant, model_id, step, row_version, why)
    if model is not None:
        return _apply(tenant, model, step, why=why, by=by)
    return ChurnModel.objects.for_tenant(tenant).get(pk=model_id)


def _asked(tenant: Tenant, model_id: int, step: Step, row_version: int, why: str) -> ChurnModel | None:
    """The version, locked; None when the step was taken already. Raises ModelRefused."""
    model = ChurnModel.objects.for_tenant(tenant).select_for_update().filter(pk=model_id).first()
    if model is None:
        raise ModelRefused("There is no such version.")
    if model.row_version > row_version and _is_taken(model, step):
        return None
    if model.row_version != row_version:
        raise ModelRefused("Somebody changed this version meanwhile. Look at it again.")
    if not why.strip():
        raise ModelRefused("Say why: the reason stands in the audit trail.")
    if words := refusal(tenant, model, step):
        raise ModelRefused(words)
    return model


def _is_taken(model: ChurnModel, step: Step) -> bool:
    if step.key == "take_back":
        return model.state in (State.ADVISORY, State.SHADOW) and "taken_back" in model.report
    return model.state == step.ends


def _apply(tenant: Tenant, model: ChurnModel, step: Step, *, why: str, by: Actor) -> ChurnModel:
    why = why.strip()[:MOST_WORDS]
    if step.key == "shadow":
        return registry.shadow(tenant, model_id=model.pk, by=by, why=why)
    if step.key == "retire":
        return registry.retire(tenant, model_id=model.pk, by=by, why=why)
    if step.key == "roll_back":
        return registry.roll_back(tenant, by=by, why=why, to_version=model.version)
    if step.key == "take_back":
        return step_down(tenant, by=by, why=why) or model
    return registry.promote(tenant, model_id=model.pk, by=by, why=why, to=step.ends)


@transaction.atomic
def step_down(tenant: Tenant, *, by: Actor, why: str) -> ChurnModel | None:
    """One step down for the version in force; None when there is none. What it may no longer show is taken off the
    lists at once: the newest day is scored again."""
    row = registry.take_back(tenant, by=by, why=why)
    if row is not None and row.state not in ChurnModel.LIVE:
        score_newest_again(tenant, by=by)
    return row
