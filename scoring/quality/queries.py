"""Reads of the model quality page."""

from scoring.automation.models import DriftCheck, ModelGate
from scoring.models import ChurnModel
from scoring.quality.models import QualityReport
from tenants.access import Right, can, is_scoped
from tenants.models import Membership, Tenant
from tenants.queries import people

_SHOWN = (
    "tenant", "version", "state", "as_of", "is_usable", "promoted_at", "promoted_by_label", "retired_at", "retired_why",
    "created_at", "created_by_label",
)  # fmt: skip


def newest_report(tenant: Tenant) -> QualityReport | None:
    return QualityReport.objects.for_tenant(tenant).order_by("-as_of").first()


def last_run_told_of(tenant: Tenant) -> int | None:
    """The run that the newest report was worked out from."""
    rows = QualityReport.objects.for_tenant(tenant).order_by("-as_of")
    return rows.values_list("run_id", flat=True).first()


def standing_versions(tenant: Tenant) -> list[ChurnModel]:
    """Where each version stands at this moment, newest first; without documents and reports."""
    return list(ChurnModel.objects.for_tenant(tenant).only(*_SHOWN).order_by("-version"))


def newest_drift(tenant: Tenant) -> DriftCheck | None:
    """The last look at how far the world has moved from the one that was learnt."""
    rows = (
        DriftCheck.objects.for_tenant(tenant)
        .select_related("model")
        .defer("model__document", "model__report")
    )
    return rows.order_by("-as_of", "-pk").first()


def gates_of(tenant: Tenant, model: ChurnModel | None) -> list[ModelGate]:
    """The gates of a version as last checked, in their order."""
    if model is None:
        return []
    rows = ModelGate.objects.for_tenant(tenant).filter(model_id=model.pk)
    newest = rows.order_by("-as_of").values("as_of")[:1]
    return list(rows.filter(as_of=newest).order_by("place"))


def live_of(rows: list[ChurnModel]) -> ChurnModel | None:
    return next((row for row in rows if row.state in ChurnModel.LIVE), None)


def names_of(tenant: Tenant, viewer: Membership) -> dict[int, str]:
    """Whose overrides this viewer may read of, by user: everybody, or those of the own team; nobody within a scope."""
    if is_scoped(viewer):
        return {}
    rows = people(tenant)
    if not can(viewer, Right.VIEW_ALL_ACCOUNTS):
        rows = rows.filter(team_id=viewer.team_id) if viewer.team_id else rows.filter(pk=viewer.pk)
    return {row.user_id: str(row.user) for row in rows}
