"""Giving and withdrawing consent to the pool: on record, in force at once, harmless when asked twice."""

from django.db import transaction

from audit import services as audit
from jobs import services as jobs
from scoring.learning import registry
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel
from scoring.pooling.models import PoolContribution
from scoring.pooling.words import NO_SANDBOX, POOLED
from scoring.tasks import score_newest_again
from tenants.access import Actor
from tenants.models import Tenant

POOL = "scoring.pool"
MOST_WORDS = 500


class PoolRefused(ValueError):
    """What was asked for cannot be done; the text says why."""


@transaction.atomic
def set_consent(tenant: Tenant, *, consents: bool, why: str, by: Actor) -> bool:
    """Give or withdraw; whether anything changed. Raises PoolRefused without a reason.

    Withdrawing takes the contribution and every version made of the pool away in the same transaction; the mean of
    the others is made anew by the workers right after. Giving begins with the next training.
    """
    row = ChanceSettings.objects.for_tenant(tenant).select_for_update().first() or chance_settings(tenant)
    if row.pools_across_tenants == consents:
        return False
    if consents and tenant.is_sandbox:
        raise PoolRefused(f"A {NO_SANDBOX}.")
    if not why.strip():
        raise PoolRefused("Say why: the reason stands in the audit trail.")
    row.pools_across_tenants = consents
    row.row_version += 1 if row.pk else 0
    row.save()
    audit.record(
        tenant, verb=f"scoring.pool_consent_{'given' if consents else 'withdrawn'}", by=by,
        object_type="scoring.chancesettings", object_id=str(row.pk), object_label="Pool of workspaces",
        before={"pools_across_tenants": not consents},
        after={"pools_across_tenants": consents, "why": why.strip()[:MOST_WORDS]},
    )  # fmt: skip
    if not consents:
        PoolContribution.objects.for_tenant(tenant).delete()
        ask_to_renew(tenant, by=by)
        end_pooled(tenant, by=by, why="Consent to the pool of workspaces was withdrawn.")
    return True


def ask_to_renew(tenant: Tenant, *, by: Actor) -> None:
    """Have the workers make the mean anew. Needs the tenant's transaction.

    A job of its own each time: one that runs already may have read the rows before this change.
    """
    jobs.enqueue(tenant, kind=POOL, by=by, is_new_work=False)


@transaction.atomic
def end_pooled(tenant: Tenant, *, by: Actor, why: str) -> bool:
    """Take every version made of the pool out of use, and its chances off the lists; whether one was in force."""
    rows = ChurnModel.objects.for_tenant(tenant).filter(kind=POOLED)
    live = rows.filter(state__in=ChurnModel.LIVE).first()
    while live is not None and live.state in ChurnModel.LIVE:
        live = registry.take_back(tenant, by=by, why=why)
    for row in rows.exclude(state=ChurnModel.State.RETIRED, is_usable=False).only("pk"):
        registry.retire(tenant, model_id=row.pk, by=by, why=why)
    if live is not None:
        score_newest_again(tenant, by=by)
    return live is not None
