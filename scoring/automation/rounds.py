"""Jobs: look at drift and gates each night, and change the state of a version."""

from datetime import date
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from scoring import queries as scores
from scoring.automation import earned, holds, queries, services
from scoring.automation.models import DriftCheck, ModelGate
from scoring.automation.telling import tell_admins
from scoring.learning import registry
from scoring.models import ChurnModel, ScoreRun
from scoring.tasks import score_newest_again
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

DRIFT = "scoring.drift"
GATES_AGAIN = "scoring.gates_again"  # while an automatic version waits for them
MOST_TOLD = 3  # failing gates that one notice names
NOTHING = "There is no version to watch yet."


def watch(tenant: Tenant, progress: Any, *, look_now: bool = False) -> dict[str, Any]:
    """Drift of the version in force, at most one look a week unless asked; then the gates of all that is watched.

    A source that another version's look holds is looked at with that version, until it is back or the one in force
    finds it within limits.
    Harmless when run again: a day's look and gates stand once, and a trip takes one step.
    """
    with tenant_transaction(tenant.pk):
        run = scores.newest_run(tenant)
        live = registry.live(tenant)
        watched = ChurnModel.objects.for_tenant(tenant).filter(
            state__in=[ChurnModel.State.SHADOW, *ChurnModel.LIVE]
        )
        models = list(watched.defer("document").order_by("-version"))
    if run is None:
        return {"checked": 0, "message": NOTHING}
    looked = _look(tenant, live, as_of=run.as_of, now=look_now) if live is not None else None
    others = _look_for_return(tenant, live, as_of=run.as_of, now=look_now)
    if not models and not others:
        return {"checked": 0, "message": NOTHING}
    for at, model in enumerate(models):
        progress(at, len(models), "Checking gates")
        check_gates(tenant, model, run=run)
    return {
        "checked": len(models),
        "as_of": str(run.as_of),
        "tripped": looked.tripped if looked else None,
        "stepped_to": looked.stepped_to if looked else "",
        "url": reverse("scoring:models", args=[tenant.slug]),
        "label": "See the gates",
    }


def _look_for_return(tenant: Tenant, live: ChurnModel | None, *, as_of: date, now: bool) -> int:
    """Look with versions not in force whose looks hold what scores need: else nobody would see it come back."""
    with tenant_transaction(tenant.pk):
        ids = {shift.model_id for shift in holds.shifted_by(tenant, as_of).values()}
        others = ChurnModel.objects.for_tenant(tenant).filter(pk__in=ids - {live.pk if live else 0})
        models = list(others.order_by("version"))
    for model in models:
        _look(tenant, model, as_of=as_of, now=now)
    return len(models)


def _look(tenant: Tenant, live: ChurnModel, *, as_of: date, now: bool) -> DriftCheck | None:
    with tenant_transaction(tenant.pk):
        last = DriftCheck.objects.for_tenant(tenant).filter(model=live).order_by("-as_of").first()
    if last is not None and (last.as_of >= as_of or (not now and as_of - last.as_of < holds.LOOK_EVERY)):
        return last
    return look_at_drift(tenant, live, as_of=as_of)


def look_at_drift(tenant: Tenant, live: ChurnModel, *, as_of: date) -> DriftCheck:
    """One look, kept; a trip takes the version in force one step back, in the same transaction."""
    from scoring.learning import watching  # the maths is loaded by the worker alone

    try:
        rows, remark = watching.drift_rows(tenant, live, as_of=as_of)
    except registry.CorruptModel as broken:
        rows, remark = [], str(broken)
    tripped = [row for row in rows if row["tripped"]]
    with tenant_transaction(tenant.pk):
        kept, is_new = DriftCheck.objects.for_tenant(tenant).get_or_create(
            tenant=tenant,
            model=live,
            as_of=as_of,
            defaults={"figures": rows, "tripped": bool(tripped), "remark": remark[:500]},
        )
        standing = registry.live(tenant)
        if is_new and kept.tripped and standing is not None and standing.pk == live.pk:
            why = f"Drift on {as_of}: {' '.join(row['words'] for row in tripped)}"
            stepped = services.step_down(tenant, by=SYSTEM, why=why[:1000])
            kept.stepped_to = stepped.state if stepped else ""
            kept.save(update_fields=["stepped_to"])
        if is_new and _says_otherwise(tenant, as_of):
            score_newest_again(tenant, by=SYSTEM)
    return kept


def _says_otherwise(tenant: Tenant, as_of: date) -> bool:
    """Whether looks hold other sources by now than the newest scores are marked with."""
    run = scores.newest_run(tenant)
    if run is None:
        return False
    marked = {each["source"] for each in run.summary.get("held", []) if each["kind"] == holds.SHIFTED}
    known = {key for key, each in run.summary.get("sources", {}).items() if each["late"] or "away" in each}
    found = set(holds.shifted_by(tenant, max(as_of, run.as_of)))
    return not found <= marked | known or not marked - known <= found


def check_gates(tenant: Tenant, model: ChurnModel, *, run: ScoreRun) -> list[ModelGate]:
    """The gates of one version as of the day of that scoring, in place of those that the day had."""
    from scoring.learning import watching  # the maths is loaded by the worker alone

    rows, as_of = watching.gate_rows(tenant, model, run=run), run.as_of
    with tenant_transaction(tenant.pk), transaction.atomic():
        before = queries.gates_of(tenant, [model.pk]).get(model.pk)
        ModelGate.objects.for_tenant(tenant).filter(model=model, as_of=as_of).delete()
        now = timezone.now()
        kept = ModelGate.objects.bulk_create(
            ModelGate(
                tenant=tenant, model=model, as_of=as_of, place=at, key=row["key"], needed=row["needed"][:120],
                found=row["found"], passed=row["passed"], words=row["words"][:500], details=row["details"],
                checked_at=now,
            )
            for at, row in enumerate(rows)
        )  # fmt: skip
        _tell_of_failing(tenant, model, before, kept)
        return kept


def _tell_of_failing(
    tenant: Tenant, model: ChurnModel, before: queries.Gates | None, now: list[ModelGate]
) -> None:
    """Admins hear once of each gate that the acting version meets no more. Of sources every page's frame tells."""
    acting = earned.acting(tenant)
    if acting is None or acting.pk != model.pk:
        return
    known = {row.key for row in before.failing} if before else set()
    fresh = [row.words for row in now if row.passed is False and row.key not in {*known, "freshness"}]
    if fresh:
        more = f" And {len(fresh) - MOST_TOLD} more." if len(fresh) > MOST_TOLD else ""
        words = f"{' '.join(fresh[:MOST_TOLD])}{more}"
        text = f"{model} starts nothing by itself any more: gates that it met fail now. {words}"
        tell_admins(tenant, kind="gates_failed", text=text)


def change_model(
    tenant: Tenant,
    progress: Any,
    *,
    model_id: int,
    step: str,
    row_version: int,
    why: str,
    actor: dict[str, str],
) -> dict[str, Any]:
    """A step that opens the document; what speaks against it by now is the answer."""
    by = Actor(actor["kind"], actor["id"], actor["label"])
    page = {"url": reverse("scoring:model", args=[tenant.slug, model_id]), "label": "See the version"}
    try:
        row = services.finish_step(
            tenant, model_id=model_id, key=step, row_version=row_version, why=why, by=by
        )
    except (registry.ModelRefused, registry.CorruptModel) as refused:
        return {"refused": True, "message": str(refused), **page}
    if step in services.PUTS_IN_FORCE:
        score_newest_again(tenant, by=by)
    return {"state": row.state, "message": f"{row} is {row.get_state_display().lower()} now.", **page}
