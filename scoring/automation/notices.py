"""What every page says: a version that drift took back, and automations that wait. Read along with the newest run."""

from datetime import date
from typing import Any

from django.db.models import Exists, F, Func, JSONField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import JSONObject
from django.urls import reverse

from scoring import strength
from scoring.automation.holds import BEYOND, LATE, SHIFTED, source_of_check
from scoring.automation.models import DriftCheck, PausedAutomation
from scoring.catalogue import SOURCES
from scoring.models import ChurnModel, ScoreRun
from tenants.access import Right, can
from tenants.models import Membership, Tenant
from tenants.nav import Notice

# of a version, in place of its report: what `strength.weakness_of` reads
TESTED = JSONObject(skill="report__horizons__90__all__brier_skill", method="report__calibration__method")


def told_with(tenant: Tenant, runs: QuerySet[ScoreRun]) -> QuerySet[Any]:
    """The runs with `stepped` (the version that drift took back and that still stands there), `waits` and `tested` (the
    skill and the calibration of the version in force) and `shifted` (what the newest look at drift found beyond)."""
    newer = ChurnModel.objects.for_tenant(tenant).filter(
        state__in=ChurnModel.LIVE, version__gt=OuterRef("model__version")
    )
    stepped = (
        DriftCheck.objects.for_tenant(tenant)
        .exclude(stepped_to="")
        .filter(~Exists(newer), model__state=F("stepped_to"), model__promoted_at__lt=F("checked_at"))
        .order_by("-as_of", "-pk")
        .values(told=JSONObject(model="model_id", version="model__version", to="stepped_to", day="as_of"))
    )
    waits = PausedAutomation.objects.for_tenant(tenant).filter(ended_at=None)
    live = ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE)
    tested = live.values(told=TESTED)
    looks = DriftCheck.objects.for_tenant(tenant).filter(model__state__in=ChurnModel.LIVE)
    beyond = Func(
        "figures", Value(f"{BEYOND}.key"), function="jsonb_path_query_array",
        template="%(function)s(%(expressions)s::jsonpath)", output_field=JSONField(),
    )  # fmt: skip
    shifted = looks.order_by("-as_of", "-pk").values(keys=beyond)
    return runs.annotate(
        shifted=Subquery(shifted[:1], output_field=JSONField()),
        stepped=Subquery(stepped[:1]),
        waits=Exists(waits),
        tested=Subquery(tested[:1], output_field=JSONField()),
    )


def doubtful(run: Any) -> dict[str, str]:
    """Sources that scores rest on and that are empty or shifted, by key: as scored, or as drift found them since."""
    return doubtful_of(run.summary.get("held"), run.shifted)


def doubtful_of(held: list[dict[str, str]] | None, beyond: list[str] | None) -> dict[str, str]:
    """The same of what a run keeps and of the checks that were beyond their limits at the newest look."""
    found = {each["source"]: each["kind"] for each in held or [] if each["kind"] != LATE}
    for key in beyond or []:
        if source := source_of_check(key):
            found.setdefault(source, SHIFTED)
    return found


def label_of(source: str) -> str:
    return SOURCES[source].label if source in SOURCES else "Chances"


def is_held(run: Any) -> bool:
    """Whether anything that would happen by itself waits, or would wait if it came up now."""
    return bool(run.waits or run.summary.get("held") or doubtful(run))


def weakness(run: Any) -> strength.Weakness | None:
    """What must be said beside every chance of the version in force."""
    told = run.tested
    return strength.weakness_of(told["skill"] or {}, told["method"]) if told else None


def of(tenant: Tenant, viewer: Membership, run: Any) -> tuple[Notice, ...]:
    """In words, with a link for those who may follow it."""
    found = []
    may_look = can(viewer, Right.VIEW_QUALITY)
    if run.stepped:
        day = date.fromisoformat(run.stepped["day"])
        url = reverse("scoring:model", args=[tenant.slug, run.stepped["model"]]) if may_look else ""
        found.append(
            Notice(
                f"churn v{run.stepped['version']} was taken back to {run.stepped['to']} on {day.day} {day:%b}.",
                "Drift: what it says of accounts may no longer hold. " + _meaning(run.stepped["to"]),
                url,
                "See what drifted" if may_look else "",
            )
        )
    if is_held(run):
        url = reverse("scoring:models_paused", args=[tenant.slug]) if may_look else ""
        text = "A source that scores rest on is late, empty or shifted. They go on once, when it is back."
        label = "See what waits" if may_look else ""
        late = any(each.get("late") for each in run.summary.get("sources", {}).values())
        if not may_look and (late or doubtful(run)):
            url, label = reverse("scoring:affected", args=[tenant.slug]), "See affected accounts"
        found.append(Notice("Automations are paused.", text, url, label, "watch"))
    return tuple(found)


def _meaning(state: str) -> str:
    if state == ChurnModel.State.SHADOW:
        return "Its chances leave the pages: the newest day is scored again at once."
    return "Nothing begins by itself on account of it."
