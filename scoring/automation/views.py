"""The models pages: versions, gates, readiness, what waits, and what an admin can do. Nothing is computed here."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jobs import services as jobs
from jobs.panels import panel_of
from scoring import queries as scores
from scoring import tasks as scoring_tasks
from scoring.automation import earned, holds, queries, readiness, report, rounds, services, sources
from scoring.automation.choices import PRECISIONS
from scoring.learning.registry import ModelRefused
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel
from scoring.windows import changed_since, of_column
from tenants.access import Right, TenantRequest, can, sees_everything, tenant_view
from tenants.models import Tenant

KINDS = [scoring_tasks.TRAIN, scoring_tasks.BACKTEST, rounds.DRIFT]


def _rights(request: TenantRequest) -> dict[str, bool]:
    return {
        "may_configure": can(request.membership, Right.CONFIGURE),
        "may_learn": can(request.membership, Right.SCORE),
    }


def _found(request: TenantRequest, model_id: int) -> ChurnModel:
    model = queries.model(request.tenant, model_id=model_id) if model_id < 2**63 else None
    if model is None:
        raise Http404("No such version.")
    return model


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def models_page(request: TenantRequest) -> HttpResponse:
    """All versions, the gates of the one that counts, what it costs to be precise, and what waits."""
    tenant = request.tenant
    versions = queries.models(tenant)
    main = _main(versions)
    settings = chance_settings(tenant)
    found = queries.report_of(tenant, main.pk) if main is not None else {}
    wanted = float(settings.precision_wanted)
    newest = queries.newest_jobs(tenant, KINDS)
    gates = queries.gates_of(tenant, [main.pk]).get(main.pk) if main is not None else None
    context: dict[str, Any] = {
        "versions": versions,
        "main": main,
        "gates": gates,
        "stopped": _stopped(tenant, main, gates, settings),
        "settings": settings,
        "own": queries.passing_own_chance(tenant, request.membership, settings),
        "choices": report.choices(found, wanted=wanted),
        "offered": [(f"{each:.2f}", f"{each:.0%}", report.is_same(each, wanted)) for each in PRECISIONS],
        "wanted_is_offered": any(report.is_same(each, wanted) for each in PRECISIONS),
        "target_precision": report.TARGET_PRECISION,
        "target_seen": report.TARGET_SEEN,
        "seen": (found.get("lead_time") or {}).get("share"),
        "running": [panel_of(job, slug=tenant.slug) for job in newest if not job.is_finished],
        "answers": [answer for job in newest if job.is_finished and (answer := _answer(job))],
        **_rights(request),
    }
    return render(request, "scoring/automation/models.html", context)


def _main(versions: list[ChurnModel]) -> ChurnModel | None:
    """The version in force, else the newest in the shadow, else the newest of all."""
    live = [each for each in versions if each.state in ChurnModel.LIVE]
    shadow = [each for each in versions if each.state == ChurnModel.State.SHADOW]
    return next(iter([*live, *shadow, *versions]), None)


def _stopped(
    tenant: Tenant, model: ChurnModel | None, gates: queries.Gates | None, settings: ChanceSettings
) -> str:
    """What of its gates keeps the automatic version from acting by itself; empty: nothing, or it does not act."""
    if model is None or model.state != ChurnModel.State.AUTOMATIC:
        return ""
    return earned.against_gates(scores.newest_run(tenant), gates, settings)


def _answer(job: Any) -> dict[str, Any] | None:
    """What the newest training or back-test answered, where a person should read it."""
    result = job.result if isinstance(job.result, dict) else {}
    if not result.get("refused"):
        return None
    return {"text": str(result.get("message", "")), "at": job.finished_at}


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def model_page(request: TenantRequest, model_id: int) -> HttpResponse:
    """One version: what it was trained on, its figures, its gates, drift, and what can be done with it."""
    tenant = request.tenant
    model = _found(request, model_id)
    settings = chance_settings(tenant)
    gates = queries.gates_of(tenant, [model.pk]).get(model.pk)
    change = queries.newest_change(tenant, services.CHANGE, model.pk)
    context: dict[str, Any] = {
        "model": model,
        "report": model.report,
        "figures": report.figures(model.report),
        "choices": report.choices(model.report, wanted=float(settings.precision_wanted)),
        "refusals": report.refusals(model.report),
        "leaks": report.leaks(model.report),
        "gates": gates,
        "stopped": _stopped(tenant, model, gates, settings),
        "checks": queries.drift_checks(tenant, model.pk),
        "sample": queries.training_sample(tenant, model.pk),
        "changed_windows": changed_since(model.report, of_column(model.windows)),  # type: ignore[attr-defined]
        "names": sorted(holds.curve_names(model.curves)),  # type: ignore[attr-defined]
        "steps": services.steps_for(model),
        "change": panel_of(change, slug=tenant.slug)
        if change is not None and not change.is_finished
        else None,
        "change_refused": _answer(change) if change is not None and change.is_finished else None,
        **_rights(request),
    }
    return render(request, "scoring/automation/model.html", context)


@require_http_methods(["GET", "POST"])
@tenant_view(right=Right.CONFIGURE)
def step(request: TenantRequest, model_id: int, key: str) -> HttpResponse:
    """Asks for a reason and says what follows; then does it."""
    model = _found(request, model_id)
    chosen = services.STEPS.get(key)
    if chosen is None:
        raise Http404("No such step.")
    context: dict[str, Any] = {"model": model, "step": chosen, "why": ""}
    if request.method == "GET":
        context["refused"] = services.refusal(request.tenant, model, chosen)
        return render(request, "scoring/automation/step.html", context)
    why, given = request.POST.get("why", ""), request.POST.get("row_version", "")
    try:
        job = services.take_step(
            request.tenant, model_id=model.pk, key=key, row_version=_number(given), why=why, by=request.actor
        )
    except ModelRefused as refused:
        context |= {"refused": str(refused), "why": why}
        return render(request, "scoring/automation/step.html", context, status=422)
    messages.success(request, f"{chosen.label}: {'it is being done.' if job else 'done.'}")
    return HttpResponseRedirect(reverse("scoring:model", args=[request.tenant.slug, model.pk]), status=303)


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def readiness_page(request: TenantRequest) -> HttpResponse:
    """What there is to learn from, by source, and what it unlocks."""
    run = scores.newest_run(request.tenant)
    settings = chance_settings(request.tenant)
    left = readiness.leavers(request.tenant, settings, run)
    context = {
        "run": run,
        "lines": readiness.lines(request.tenant, run, left),
        "leavers": left,
        "settings": settings,
        "sees_all": sees_everything(request.membership),
        "least_months": readiness.LEAST_MONTHS,
        "wanted_months": readiness.WANTED_MONTHS,
    }
    return render(request, "scoring/automation/readiness.html", context)


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def paused(request: TenantRequest) -> HttpResponse:
    """Why automations wait, and on which accounts."""
    return render(request, "scoring/automation/paused.html", _waiting(request))


@require_GET
@tenant_view(right=Right.VIEW_QUALITY)
def paused_part(request: TenantRequest) -> HttpResponse:
    """The same as a part of the models page."""
    return render(request, "scoring/automation/_paused.html", _waiting(request))


def _waiting(request: TenantRequest) -> dict[str, Any]:
    rows, total = queries.waiting(request.tenant, request.membership)
    run = scores.newest_run(request.tenant)
    return {
        "run": run,
        "reasons": holds.reasons_of(request.tenant, run),
        "rows": rows,
        "total": total,
        **_rights(request),
    }


@require_http_methods(["GET", "POST"])
@tenant_view(right=Right.CONFIGURE)
def source_level(request: TenantRequest, run_id: int, source: str) -> HttpResponse:
    """Asks why a source that a run found away is well as it is; then its present level is what is usual."""
    tenant = request.tenant
    away = sources.away(scores.run_by_id(tenant, run_id) if run_id < 2**63 else None, source)
    if away is None:
        raise Http404("This run did not find it away.")
    context: dict[str, Any] = {"away": away, "why": ""}
    if request.method == "GET":
        return render(request, "scoring/automation/source.html", context)
    why = request.POST.get("why", "")
    try:
        sources.accept(tenant, source=source, run_id=run_id, why=why, by=request.actor)
    except ModelRefused as refused:
        context |= {"refused": str(refused), "why": why}
        return render(request, "scoring/automation/source.html", context, status=422)
    messages.success(request, f"{away.label}: what it has now is usual from now on.")
    return HttpResponseRedirect(reverse("scoring:models_paused", args=[tenant.slug]), status=303)


@require_POST
@tenant_view(right=Right.SCORE)
def train(request: TenantRequest) -> HttpResponse:
    return _start(request, scoring_tasks.TRAIN)


@require_POST
@tenant_view(right=Right.SCORE)
def backtest(request: TenantRequest) -> HttpResponse:
    return _start(request, scoring_tasks.BACKTEST)


@require_POST
@tenant_view(right=Right.SCORE)
def check(request: TenantRequest) -> HttpResponse:
    """Gates now; drift as well where a newer day was scored since the last look."""
    return _start(request, rounds.DRIFT)


def _start(request: TenantRequest, kind: str) -> HttpResponse:
    """One job of a kind at a time, whoever asks."""
    actor = request.actor
    args: dict[str, Any] = {"actor": {"kind": actor.kind, "id": actor.id, "label": actor.label}}
    if kind == rounds.DRIFT:
        args = {"look_now": True}
    job = jobs.enqueue(request.tenant, kind=kind, args=args, by=actor, dedupe_key=f"{kind}:asked")
    if request.htmx:  # type: ignore[attr-defined]
        return render(
            request, "parts/progress.html", {"every": "2s", **panel_of(job, slug=request.tenant.slug)}
        )
    return HttpResponseRedirect(reverse("scoring:models", args=[request.tenant.slug]), status=303)
