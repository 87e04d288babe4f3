"""Writes about policies in general and overrides. Scores themselves are written by `pipeline`."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from audit import services as audit
from scoring import queries
from scoring.bands import BANDS, band_label, band_of, nearest_in
from scoring.catalogue import INDICATORS
from scoring.clock import tenant_today
from scoring.exceptions import OverrideRefused
from scoring.models import AccountHealth, HealthPolicy, Override, PolicyIndicator
from scoring.people.notices import tell
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
    tenant: Tenant, *, account_id: int, health: Decimal | None = None, band: str = "", until: date, reason: str,
    note: str, by: Actor,
) -> Override:  # fmt: skip
    """A person's number or band next to the computed one, until a day at most 30 days ahead; it replaces an earlier
    one. A band is kept as such through scorings and policies, with that band's number nearest to the computed one."""
    standing = queries.health_for_update(tenant, account_id=account_id)
    if band:
        health = _health_of(tenant, standing, health, band)
    health = _check_override(tenant, standing, health, until, reason, note)
    assert standing is not None
    earlier = queries.override_in_force(tenant, account_id=account_id)
    if earlier is not None:
        _end(tenant, earlier, by=by, why="replaced")
    override = Override.objects.create(
        tenant=tenant,
        account_id=account_id,
        band=band,
        health=health,
        model_health=standing.health,
        reason=reason,
        note=note.strip(),
        until=until,
        author=by.user,
        author_label=by.label[:300],
    )
    _copy_to_projection(tenant, standing, override)
    _record_override(tenant, override, standing, by=by)
    return override


def _record_override(tenant: Tenant, override: Override, standing: AccountHealth, *, by: Actor) -> None:
    after = {"health": float(override.health), **({"band": override.band} if override.band else {}),
             "until": str(override.until), "reason": override.reason, "note": override.note}  # fmt: skip
    audit.record(
        tenant, verb="scoring.override_set", by=by, object_type="scoring.override", object_id=str(override.pk),
        object_label=standing.account.name, account_id=override.account_id,
        before={"health": _number(standing.health), "band": standing.band}, after=after,
    )  # fmt: skip


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
    """End every override whose last day has passed where the tenant works, and tell its author; how many there were."""
    due = queries.overrides_past_their_end(tenant, today=today or tenant_today(tenant))
    for override in due:
        end_override(tenant, account_id=override.account_id, by=SYSTEM, why="expired")
        _tell_that_it_lifted(tenant, override)
    return len(due)


def _tell_that_it_lifted(tenant: Tenant, override: Override) -> None:
    said = band_label(override.band) if override.band else f"{override.health:.0f}"
    name = override.account.name
    tell(
        tenant,
        user=override.author,
        kind="override_lifted",
        text=f"Your override of {name} ({said}) ended on {override.until:%-d %b %Y}. The computed score stands alone.",
        account_id=override.account_id,
    )


def _health_of(tenant: Tenant, standing: AccountHealth | None, health: Decimal | None, band: str) -> Decimal:
    """The band's number nearest to the computed one, under the policy of the newest score."""
    if health is not None:
        raise OverrideRefused("band", "Give a band or a number, not both.")
    if band not in BANDS:
        raise OverrideRefused("band", "Choose one of the bands.")
    policy = queries.policy_of_run(tenant, standing) or queries.first_policy(tenant) if standing else None
    if standing is None or policy is None:
        raise OverrideRefused("band", "This account has no score yet, so there is nothing to override.")
    return nearest_in(band, standing.health, policy)


def _check_override(
    tenant: Tenant,
    standing: AccountHealth | None,
    health: Decimal | None,
    until: date,
    reason: str,
    note: str,
) -> Decimal:
    """The number that will stand. Raises OverrideRefused."""
    if health is None:
        raise OverrideRefused("health", "Give a number from 0 to 100, or choose a band.")
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
    return health


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
        standing.override_band = override.band or (band_of(override.health, policy) if policy else "")
    standing.updated_at = timezone.now()
    standing.save(update_fields=["override_health", "override_until", "override_band", "updated_at"])


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
