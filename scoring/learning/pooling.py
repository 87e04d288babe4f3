"""A workspace's part in the pool, the pool's renewal, and a model for a workspace that is too small for its own.

Three code paths that do not meet: `contribute` reads one tenant and writes its row; `renew` reads coefficients alone,
as the workers' role, and writes the row of nobody; `version` reads that row and one tenant (ADR 0020).
"""

from datetime import date
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from scoring.engine.churn import pooling as engine
from scoring.engine.churn.data import Stack
from scoring.engine.churn.document import to_document
from scoring.engine.churn.model import Fitted
from scoring.learning import registry, samples
from scoring.models import ChurnModel
from scoring.pooling import queries, services
from scoring.pooling.models import PoolContribution, SharedPool
from scoring.pooling.words import NO_SANDBOX, POOLED, sentence
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

_LOCK_CLASS = 7_408  # any fixed number: the pool is made by one worker after the other


def contribute(tenant: Tenant, stack: Stack, *, as_of: date, by: Actor) -> str:
    """Hand on what this workspace's landmarks say, where it consents and is large enough; in words what came of it."""
    with tenant_transaction(tenant.pk):
        if why := _nothing_leaves(tenant):
            _take_back(tenant, by=by)
            return why
    try:
        document, words = engine.to_json(engine.contribution(stack)), "Coefficients were handed on."
    except (ValueError, np.linalg.LinAlgError) as reason:  # too small, or nothing that can be told apart
        document, words = None, f"Nothing was handed on: {reason}."
    with tenant_transaction(tenant.pk):
        why = _nothing_leaves(tenant)  # withdrawn while it was worked out?
        if why or document is None:
            _take_back(tenant, by=by)
            return why or words
        given = {"document": document, "as_of": as_of, "made_at": timezone.now()}
        PoolContribution.objects.for_tenant(tenant).update_or_create(tenant=tenant, defaults=given)
        services.ask_to_renew(tenant, by=by)
    return words


def _nothing_leaves(tenant: Tenant) -> str:
    """Why not, as a sentence; empty: it may, and the consent holds until this transaction ends."""
    if tenant.is_sandbox:
        return f"A {NO_SANDBOX}: it would count for what its organisation says already."
    if not queries.consents_for_update(tenant):
        return "This workspace has not consented to the pool."
    return ""


def _take_back(tenant: Tenant, *, by: Actor) -> None:
    gone, _ = PoolContribution.objects.for_tenant(tenant).delete()
    if gone:
        services.ask_to_renew(tenant, by=by)


@transaction.atomic
def renew() -> SharedPool | None:
    """Make the pool of what is there now, or remove it where that is too little. For the workers' role.

    The lock comes before the first read: of two at once, the one that read before a withdrawal would else write last.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK_CLASS])
    parts = [part for each in queries.all_contributions() if (part := engine.from_json(each)) is not None]
    try:
        found = engine.pool(parts)
    except engine.TooSmall:
        SharedPool.objects.all().delete()
        return None
    row, _ = SharedPool.objects.update_or_create(
        place=1,
        defaults={
            "document": engine.pool_to_json(found),
            "workspaces": found.workspaces,
            "is_sound": engine.is_sound(found),
            "made_at": timezone.now(),
        },
    )
    return row


def usable_pool() -> tuple[engine.Pool | None, str]:
    """(the pool, "") or (None, why there is none to be used)."""
    row = queries.shared()
    found = engine.pool_from_json(row.document) if row is not None else None
    if row is None or found is None or found.workspaces < engine.LEAST_WORKSPACES:
        return None, f"fewer than {engine.LEAST_WORKSPACES} organisations hand on what they learnt"
    if not row.is_sound:
        return None, f"its {found.workspaces} workspaces have too little in common to tell another one"
    return found, ""


def refusal(tenant: Tenant, *, leavers: int) -> str:
    """Why this workspace gets no chance from the pool, as the end of a sentence; empty: it may."""
    if tenant.is_sandbox:
        return f"a {NO_SANDBOX}, in giving or in taking"
    with tenant_transaction(tenant.pk):
        consents, live = queries.consents(tenant), registry.live(tenant)
    if not consents:
        return "without consent to the pool of workspaces there is no other source (Models, Pool)"
    if live is not None and live.kind != POOLED:
        return f"{live}, learnt from this workspace's own past, stays in force"
    if not leavers:
        return "the pool gives none either: a workspace where nobody was seen to leave cannot be placed in it"
    return usable_pool()[1]


def version(
    tenant: Tenant,
    stack: Stack,
    *,
    as_of: date,
    facts: dict[str, Any],
    by: Actor,
    job_id: int | None = None,
    over: dict[str, int] | None = None,
) -> ChurnModel:
    """Register and show a version of the pool for this workspace. Call it after `refusal` said nothing.

    Raises ModelRefused where the pool or the consent went meanwhile.
    """
    if tenant.is_sandbox:
        raise registry.ModelRefused(f"A {NO_SANDBOX}.")
    found, why = usable_pool()
    if found is None:
        raise registry.ModelRefused(why)
    fitted, level = engine.fitted_for(found, stack)
    report = report_of(found, fitted, level, facts)
    with tenant_transaction(tenant.pk):
        # locked, so that a withdrawal ends this version or is seen here
        if not queries.consents_for_update(tenant):
            raise registry.ModelRefused("Consent to the pool of workspaces was withdrawn meanwhile.")
        row = registry.register(
            tenant,
            document=to_document(fitted),
            kind=POOLED,
            as_of=as_of,
            report=report,
            by=by,
            job_id=job_id,
            over=over,
        )
        samples.keep(tenant, row, fitted, stack)
        return registry.promote(tenant, model_id=row.pk, by=by, why=sentence(found.workspaces))


def report_of(
    found: engine.Pool, fitted: Fitted, level: engine.Level, facts: dict[str, Any]
) -> dict[str, Any]:
    """No back-test: there is nothing of its own to test on. What is known instead stands under `pool`."""
    gate = {
        "key": "pool", "needed": f"at least {engine.HELPED:.0%} of the workspaces",
        "found": found.helped / found.workspaces, "passed": engine.is_sound(found),
        "words": f"{found.helped} of {found.workspaces} workspaces are better described by what the others say than "
        "by nothing, each left out in turn.",
    }  # fmt: skip
    return {
        **facts,
        "origins": [],
        "origins_missing": "Nothing of its own to test on: a back-test needs 20 leavers.",
        "horizons": {},
        "leaks": [],
        "chosen": POOLED,
        "chosen_why": sentence(found.workspaces),
        "gates": [gate],
        "against_champion": {"not_worse": True, "words": "There is no version of its own in force."},
        "calibration": {"method": "none", **dict(fitted.calibration.facts)},
        "pool": {
            "workspaces": found.workspaces, "helped": found.helped, "level_sd": found.level_sd,
            "level": {
                "shift": level.shift, "deviation": level.deviation, "expected": level.expected, "seen": level.seen,
            },
        },
    }  # fmt: skip
