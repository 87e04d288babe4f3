"""Reads of churn models and of what a tenant has decided about chances."""

from datetime import date

from django.db.models import Q

from accounts.models import Outcome
from scoring.models import AccountHealth, ChanceSettings, ChurnModel
from tenants.models import Tenant


def chance_settings(tenant: Tenant) -> ChanceSettings:
    """The tenant's row, or the defaults unsaved."""
    return ChanceSettings.objects.for_tenant(tenant).first() or ChanceSettings(tenant=tenant)


def model_for(tenant: Tenant, *, as_of: date) -> ChurnModel | None:
    """The newest model learnt from what was known on or before that day, among those ever shown (DECISIONS 24).

    None also when that one was taken back: an older one would not be better for it.
    """
    shown = Q(is_usable=True) | Q(state=ChurnModel.State.SHADOW, promoted_at__isnull=False)
    models = ChurnModel.objects.for_tenant(tenant).filter(shown, as_of__lte=as_of)
    newest = models.order_by("-as_of", "-version").first()
    return newest if newest is not None and newest.is_usable else None


def shadows(tenant: Tenant, *, as_of: date) -> list[ChurnModel]:
    """Models that are watched without being shown."""
    models = ChurnModel.objects.for_tenant(tenant).filter(state=ChurnModel.State.SHADOW, as_of__lte=as_of)
    return list(models.order_by("version"))


def has_lost_its_model(tenant: Tenant) -> bool:
    """Whether chances are shown whose model's row is not there any more."""
    shown = AccountHealth.objects.for_tenant(tenant).exclude(model_id=None).values("model_id")
    known = ChurnModel.objects.for_tenant(tenant).values("pk")
    return shown.exclude(model_id__in=known).exists()


def model_by_id(tenant: Tenant, model_id: int | None) -> ChurnModel | None:
    return None if model_id is None else ChurnModel.objects.for_tenant(tenant).filter(pk=model_id).first()


def newest_model(tenant: Tenant) -> ChurnModel | None:
    """The version learnt last, wherever it stands."""
    return ChurnModel.objects.for_tenant(tenant).order_by("-version").first()


def models_by_id(tenant: Tenant, ids: set[int]) -> dict[int, ChurnModel]:
    return {model.pk: model for model in ChurnModel.objects.for_tenant(tenant).filter(pk__in=ids)}


def leavers(tenant: Tenant) -> int:
    """How many accounts were ever seen to leave."""
    churned = Outcome.objects.for_tenant(tenant).filter(kind="churned")
    return churned.values("account_id").distinct().count()
