"""Whether a version may act by itself: promotion asks it once, and whoever acts asks it every time.

A version that met its gates in spring may fail them in autumn. So nothing begins by itself unless every gate of the
newest scoring is met, as the settings ask for it now; who checks them is `rounds.watch`.
"""

from django.db.models import QuerySet

from scoring import queries as scores
from scoring.automation import holds, queries
from scoring.automation.limits import asked
from scoring.automation.queries import Gates
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel, ScoreRun
from tenants.models import Tenant

CHECK_AGAIN = "Check them again."


def against(tenant: Tenant, model: ChurnModel) -> str:
    """Why it may not act by itself now, with the figures of what fails; empty: it may. Needs the tenant's transaction.

    The state and the skill of the version are asked elsewhere (`registry.promote`, `playbooks.queries.unattended`).
    """
    words = against_gates(
        scores.newest_run(tenant),
        queries.gates_of(tenant, [model.pk]).get(model.pk),
        chance_settings(tenant),
    )
    return words or " ".join(each.words for each in holds.reasons(tenant))


def against_gates(run: ScoreRun | None, gates: Gates | None, settings: ChanceSettings) -> str:
    """The same of its gates alone, as they were checked last."""
    if gates is None or run is None:
        return "Its gates were not checked yet."
    if gates.as_of != run.as_of:
        return f"Gates were checked as of {gates.as_of}, {run.as_of} was scored since. {CHECK_AGAIN}"
    if gates.failing:
        failing = " ".join(row.words for row in gates.failing)
        return f"{gates.met} of {len(gates.rows)} gates met: {failing}"
    if not is_of_now(run, gates, settings):
        return f"Since its gates were checked it was scored again, or what they ask for was changed. {CHECK_AGAIN}"
    return ""


def is_of_now(run: ScoreRun, gates: Gates, settings: ChanceSettings) -> bool:
    """Whether the gates speak of the newest scoring, and every one of them was held against what is asked now."""
    found = {row.key: {name: row.details.get(name) for name in ("asked", "run")} for row in gates.rows}
    return found == asked(settings, run_id=run.pk)


def acting(tenant: Tenant) -> ChurnModel | None:
    """The automatic version, without its document."""
    return _automatic(tenant).defer("document").first()


def _automatic(tenant: Tenant) -> QuerySet[ChurnModel]:
    return ChurnModel.objects.for_tenant(tenant).filter(state=ChurnModel.State.AUTOMATIC)


def are_gates_behind(tenant: Tenant) -> bool:
    """Whether an automatic version waits for its gates to be checked on what was scored, or asked for, since.

    Asked every few seconds of every workspace: where nothing acts by itself one small statement answers.
    """
    model_id = _automatic(tenant).values_list("pk", flat=True).first()
    if model_id is None:
        return False
    run = scores.finished_runs(tenant).defer("summary").order_by("-as_of", "-pk").first()
    if run is None:
        return False
    gates = queries.gates_of(tenant, [model_id]).get(model_id)
    if gates is None or gates.as_of != run.as_of:
        return True
    return not is_of_now(run, gates, chance_settings(tenant))
