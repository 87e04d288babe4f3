"""Reads of the models pages: versions, gates as they were checked last, drift, readiness, what waits."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, OuterRef, Q, Subquery

from accounts.queries import visible_accounts
from jobs.models import Job
from scoring.automation.models import DriftCheck, ModelGate, PausedAutomation, TrainingSample
from scoring.automation.notices import TESTED
from scoring.automation.words import OWN_CHANCE
from scoring.models import AccountHealth, ChanceSettings, ChurnModel
from scoring.windows import in_force_column
from tenants.models import Membership, Tenant

MOST_WAITING = 50


@dataclass(frozen=True)
class Gates:
    """The gates of one version as they were checked last, and the figure beside them."""

    as_of: date | None
    rows: list[ModelGate]
    beside: ModelGate | None = None

    @property
    def met(self) -> int:
        return sum(bool(row.passed) for row in self.rows)

    @property
    def failing(self) -> list[ModelGate]:
        return [row for row in self.rows if not row.passed]


def models(tenant: Tenant) -> list[ChurnModel]:
    """All versions, newest first, without their documents and reports."""
    rows = ChurnModel.objects.for_tenant(tenant).defer("document", "report").annotate(tested=TESTED)
    return list(rows.order_by("-version"))


def report_of(tenant: Tenant, model_id: int) -> dict[str, Any]:
    """What the back-test of a version said."""
    rows = ChurnModel.objects.for_tenant(tenant).filter(pk=model_id)
    return rows.values_list("report", flat=True).first() or {}


def model(tenant: Tenant, *, model_id: int) -> ChurnModel | None:
    """One version with the names that it reads in place of its document, and the windows in force."""
    rows = ChurnModel.objects.for_tenant(tenant).defer("document").filter(pk=model_id)
    return rows.annotate(curves=F("document__curves"), windows=in_force_column()).first()


def gates_of(tenant: Tenant, model_ids: list[int]) -> dict[int, Gates]:
    """The newest day's gates of each version; one statement."""
    kept = ModelGate.objects.for_tenant(tenant)
    newest = kept.filter(model_id=OuterRef("model_id")).order_by("-as_of").values("as_of")[:1]
    rows = kept.filter(model_id__in=model_ids, as_of=Subquery(newest))
    found: dict[int, list[ModelGate]] = {}
    for row in rows.order_by("model_id", "place"):
        found.setdefault(row.model_id, []).append(row)
    return {
        model_id: Gates(
            mine[0].as_of,
            [row for row in mine if row.key != OWN_CHANCE],
            next((row for row in mine if row.key == OWN_CHANCE), None),
        )
        for model_id, mine in found.items()
    }


def drift_checks(tenant: Tenant, model_id: int, *, limit: int = 12) -> list[DriftCheck]:
    """The version's looks at drift, newest first."""
    rows = DriftCheck.objects.for_tenant(tenant).filter(model_id=model_id)
    return list(rows.order_by("-as_of", "-pk")[:limit])


def training_sample(tenant: Tenant, model_id: int) -> TrainingSample | None:
    return (
        TrainingSample.objects.for_tenant(tenant)
        .filter(model_id=model_id)
        .defer("quantiles", "score", "movement")
        .first()
    )


def passing_own_chance(tenant: Tenant, viewer: Membership, settings: ChanceSettings) -> dict[str, int]:
    """Of the accounts that the viewer may see: how many have a chance, and how many one that is high enough."""
    rows = AccountHealth.objects.for_tenant(tenant).filter(
        account__in=visible_accounts(tenant, viewer).values("pk")
    )
    found: dict[str, int] = rows.aggregate(
        known=Count("pk", filter=Q(p90__isnull=False)),
        passing=Count("pk", filter=Q(p90__gte=settings.own_chance_from)),
    )
    return found


def newest_jobs(tenant: Tenant, kinds: list[str]) -> list[Job]:
    """The newest job of each kind."""
    rows = Job.objects.for_tenant(tenant).filter(kind__in=kinds)
    return list(rows.order_by("kind", "-pk").distinct("kind"))


def newest_change(tenant: Tenant, kind: str, model_id: int) -> Job | None:
    """The newest job that was to change this version."""
    rows = Job.objects.for_tenant(tenant).filter(kind=kind, dedupe_key__startswith=f"{kind}:{model_id}:")
    return rows.order_by("-pk").first()


def waiting(tenant: Tenant, viewer: Membership) -> tuple[list[PausedAutomation], int]:
    """(the newest of what waits on accounts that the viewer may see, how many there are)."""
    rows = PausedAutomation.objects.for_tenant(tenant).filter(
        ended_at=None, account__in=visible_accounts(tenant, viewer).values("pk")
    )
    found = list(rows.select_related("account").order_by("-held_at", "pk")[: MOST_WAITING + 1])
    total = len(found) if len(found) <= MOST_WAITING else rows.count()
    return found[:MOST_WAITING], total
