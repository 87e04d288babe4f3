"""Writes about policies in general and overrides. Scores themselves are written by `pipeline`."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from audit import services as audit
from scoring import queries
from scoring.bands import band_of
from scoring.catalogue import INDICATORS
from scoring.clock import tenant_today
from scoring.exceptions import OverrideRefused
from scoring.models import AccountHealth, HealthPolicy, Override, PolicyIndicator
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant

LONGEST_OVERRIDE_DAYS = 30


@transaction.atomic
def install_default_policy(tenant: Tenant, *, by: Actor = SYSTEM) -> HealthPolicy:
    """The first policy of a tenant, published, from the catalogue's weights and curves; harmless to repeat."""
    existing = queries.first_policy(tenant)
    if existing is not None:
        return existing
    total = sum(Decimal(str(each.weight)) for each in INDICATORS)
    if total != 100:
        raise ValueError(f"the catalogue's default weights add up to {total}, not 100")
    policy = HealthPolicy.objects.create(
        tenant=tenant,
        segment="",
        version=1,
        state=HealthPolicy.State.PUBLISHED,
        note="Weights and curves that Holdfast starts with.",
        created_by_label=by.label[:300],
        published_at=timezone.now(),
        published_by_label=by.label[:300],
    )
    PolicyIndicator.objects.bulk_create(
        PolicyIndicator(
            tenant=tenant,
            policy=policy,
            indicator=each.key,
            weight=Decimal(str(each.weight)),
            xs=list(each.xs),
            ys=list(each.ys),
        )
        for each in INDICATORS
    )
    audit.record(
        tenant,
        verb="scoring.policy_published",
        by=by,
        subject=policy,
        after={"segment": "", "version": 1, "weights": {each.key: each.weight for each in INDICATORS}},
    )
    return policy


@transaction.atomic
def set_override(
    tenant: Tenant, *, account_id: int, health: Decimal, until: date, reason: str, note: str, by: Actor
) -> Override:
    """A person's number next to the computed one, until a day at most 30 days ahead; it replaces an earlier one."""
    standing = queries.health_for_update(tenant, account_id=account_id)
    _check_override(tenant, standing, health, until, reason, note)
    assert standing is not None
    earlier = queries.override_in_force(tenant, account_id=account_id)
    if earlier is not None:
        _end(tenant, earlier, by=by, why="replaced")
    override = Override.objects.create(
        tenant=tenant,
        account_id=account_id,
        health=health,
        model_health=standing.health,
        reason=reason,
        note=note.strip(),
        until=until,
        author=by.user,
        author_label=by.label[:300],
    )
    _copy_to_projection(tenant, standing, override)
    audit.record(
        tenant,
        verb="scoring.override_set",
        by=by,
        object_type="scoring.override",
        object_id=str(override.pk),
        object_label=standing.account.name,
        account_id=account_id,
        before={"health": _number(standing.health), "band": standing.band},
        after={"health": float(health), "until": str(until), "reason": reason, "note": note.strip()},
    )
    return override


@transaction.atomic
def end_override(tenant: Tenant, *, account_id: int, by: Actor, why: str = "ended") -> Override | None:
    """Take the override back; the computed number stands alone again. None when there is none."""
    standing = queries.health_for_update(tenant, account_id=account_id)
    override = queries.override_in_force(tenant, account_id=account_id)
    if override is None:
        return None
    _end(tenant, override, by=by, why=why)
    if standing is not None:
        _copy_to_projection(tenant, standing, None)
    return override


def expire_overrides(tenant: Tenant, *, today: date | None = None) -> int:
    """End every override whose last day has passed where the tenant works; how many there were."""
    due = queries.overrides_past_their_end(tenant, today=today or tenant_today(tenant))
    for override in due:
        end_override(tenant, account_id=override.account_id, by=SYSTEM, why="expired")
    return len(due)


def _check_override(
    tenant: Tenant, standing: AccountHealth | None, health: Decimal, until: date, reason: str, note: str
) -> None:
    today = tenant_today(tenant)
    if standing is None:
        raise OverrideRefused("health", "This account has no score yet, so there is nothing to override.")
    if not 0 <= health <= 100:
        raise OverrideRefused("health", "Give a number from 0 to 100.")
    if not today <= until <= today + timedelta(days=LONGEST_OVERRIDE_DAYS):
        raise OverrideRefused(
            "until",
            f"Choose a day from today to {LONGEST_OVERRIDE_DAYS} days ahead. Then it can be set again.",
        )
    if reason not in Override.Reason.values:
        raise OverrideRefused("reason", "Choose one of the reasons.")
    if not note.strip():
        raise OverrideRefused("note", "Write what you know. Others will read it.")


def _end(tenant: Tenant, override: Override, *, by: Actor, why: str) -> None:
    override.ended_at, override.ended_by_label = timezone.now(), by.label[:300]
    override.save(update_fields=["ended_at", "ended_by_label"])
    audit.record(
        tenant,
        verb="scoring.override_ended",
        by=by,
        object_type="scoring.override",
        object_id=str(override.pk),
        object_label=f"Override of {override.author_label}"[:300],
        account_id=override.account_id,
        before={"health": float(override.health), "until": str(override.until)},
        after={"why": why},
    )


def _copy_to_projection(tenant: Tenant, standing: AccountHealth, override: Override | None) -> None:
    """Lists read the override from the projection's row, so that a row needs no join."""
    standing.override_health = override.health if override else None
    standing.override_until = override.until if override else None
    standing.override_band = ""
    if override is not None:
        policy = queries.policy_of_run(tenant, standing)
        standing.override_band = band_of(override.health, policy) if policy else ""
    standing.updated_at = timezone.now()
    standing.save(update_fields=["override_health", "override_until", "override_band", "updated_at"])


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
