"""The life of a health policy: draft from a version, preview, publish, roll back. Published versions never change.

One version of a segment is in force. Publishing retires the one before; rolling back reinstates an earlier one under
its own number, so that a snapshot's policy version always means the same rows.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.db.models import Max

from audit import services as audit
from jobs import services as jobs
from jobs.models import Job
from scoring import policy_queries, versioned
from scoring.bands import policy_label
from scoring.catalogue import BY_KEY, INDICATORS
from scoring.exceptions import PolicyRefused
from scoring.models import HealthPolicy, PolicyIndicator
from tenants.access import Actor
from tenants.models import Tenant

COPIED = (
    "missing_rule", "min_coverage_pct", "at_risk_from", "watch_from", "healthy_from",
)  # fmt: skip
ROW_FIELDS = ("indicator", "weight", "xs", "ys", "window_days", "enabled")
State = HealthPolicy.State


def check_bands(at_risk_from: Decimal, watch_from: Decimal, healthy_from: Decimal) -> None:
    """Bands are half-open and meet by construction; what can go wrong is their order. Raises PolicyRefused."""
    if not 0 < at_risk_from < watch_from < healthy_from < 100:
        raise PolicyRefused(
            f"The bands must rise from 0 to 100: At risk from {at_risk_from}, Watch from {watch_from}, Healthy from "
            f"{healthy_from}. Give each a larger number than the one before, so that no health falls between two."
        )


def check_weights(weights: Sequence[Decimal]) -> None:
    """The weights of the indicators that count must total 100. Raises PolicyRefused with the difference."""
    total = sum(weights, Decimal(0))
    if total != 100:
        gap = 100 - total
        cure = f"add {gap}" if gap > 0 else f"take away {-gap}"
        raise PolicyRefused(
            f"The weights total {total.normalize():f}, not 100: {cure.rstrip('0').rstrip('.')}."
        )


def check_curve(xs: Sequence[float], ys: Sequence[float]) -> None:
    """At least two points, values rising, points between 0 and 100. Raises PolicyRefused."""
    if len(xs) != len(ys) or len(xs) < 2:
        raise PolicyRefused("A curve needs at least two points, such as 0:0, 100:100.")
    if any(later <= earlier for earlier, later in pairwise(xs)):
        raise PolicyRefused("The values of a curve must rise from left to right.")
    if any(not 0 <= points <= 100 for points in ys):
        raise PolicyRefused("A curve gives between 0 and 100 points.")


def check_window(indicator: str, days: int | None) -> None:
    """A window of one's own: where the indicator has one, within its declared limits. Raises PolicyRefused."""
    if days is None:
        return
    known = BY_KEY[indicator]
    if not known.has_window:
        raise PolicyRefused(f"{known.label} has no window: {known.no_window}.")
    if not known.shortest <= days <= known.longest or days % known.step:
        raise PolicyRefused(
            f"A window of {known.label} is {known.limits}; {days} cannot be. Leave it empty for the usual "
            f"{known.window_days}."
        )


def check_policy(policy: HealthPolicy, rows: Sequence[PolicyIndicator]) -> None:
    """Everything that a version must keep to before it may count. Raises PolicyRefused."""
    check_bands(policy.at_risk_from, policy.watch_from, policy.healthy_from)
    check_weights([row.weight for row in rows if row.enabled])
    for row in rows:
        if row.indicator not in BY_KEY:
            raise PolicyRefused(f"There is no indicator {row.indicator}.")
        check_curve(row.xs, row.ys)
        check_window(row.indicator, row.window_days)


@transaction.atomic
def draft_from(tenant: Tenant, *, policy_id: int, by: Actor, segment: str | None = None) -> HealthPolicy:
    """A new draft with everything of that version; the same draft again while one of its segment is open."""
    source = _locked(tenant, policy_id)
    segment = source.segment if segment is None else segment
    versions = HealthPolicy.objects.for_tenant(tenant).filter(segment=segment)
    open_draft = versions.filter(state=State.DRAFT).first()
    if open_draft is not None:
        return open_draft
    number = (versions.aggregate(newest=Max("version"))["newest"] or 0) + 1
    draft = HealthPolicy.objects.create(
        tenant=tenant,
        segment=segment,
        version=number,
        based_on=source,
        created_by_label=by.label[:300],
        **{name: getattr(source, name) for name in COPIED},
    )
    rows = list(policy_queries.rows_of(tenant, source))
    PolicyIndicator.objects.bulk_create(
        PolicyIndicator(tenant=tenant, policy=draft, **{name: getattr(row, name) for name in ROW_FIELDS})
        for row in rows
    )
    _add_new_indicators(tenant, draft, known={row.indicator for row in rows})
    audit.record(
        tenant, verb="scoring.policy_drafted", by=by, subject=draft, after={"based_on": policy_label(source)}
    )
    return draft


def _add_new_indicators(tenant: Tenant, draft: HealthPolicy, *, known: set[str]) -> None:
    """Indicators that came with a later release stand in the draft with weight 0, for whoever wants to use them."""
    PolicyIndicator.objects.bulk_create(
        PolicyIndicator(
            tenant=tenant,
            policy=draft,
            indicator=each.key,
            weight=Decimal(0),
            xs=list(each.xs),
            ys=list(each.ys),
        )
        for each in INDICATORS
        if each.key not in known
    )


@transaction.atomic
def note_change(
    tenant: Tenant, *, policy_id: int, before: dict[str, Any], after: dict[str, Any], by: Actor
) -> None:
    """After a draft was edited: a new row version (an old preview no longer counts) and the audit event."""
    policy = _locked(tenant, policy_id)
    _check_draft(policy)
    check_policy(policy, list(policy_queries.rows_of(tenant, policy)))
    policy.row_version += 1
    policy.preview, policy.preview_job_id = None, None
    policy.save(update_fields=["row_version", "preview", "preview_job_id"])
    audit.record(tenant, verb="scoring.policy_changed", by=by, subject=policy, before=before, after=after)


@transaction.atomic
def ask_preview(tenant: Tenant, *, policy_id: int, by: Actor) -> Job:
    """Compute in a job what the draft would change; a second click joins the first."""
    policy = _locked(tenant, policy_id)
    _check_draft(policy)
    job = jobs.enqueue(
        tenant,
        kind="scoring.preview_policy",
        args={"policy_id": policy.pk, "row_version": policy.row_version},
        by=by,
        dedupe_key=f"preview:{policy.pk}:{policy.row_version}",
    )
    policy.preview_job_id = job.pk
    policy.save(update_fields=["preview_job_id"])
    return job


@transaction.atomic
def publish(tenant: Tenant, *, policy_id: int, row_version: int, by: Actor) -> HealthPolicy:
    """Put the draft in force, once its present content was previewed; scores are computed anew at once."""
    policy = _locked(tenant, policy_id)
    if policy.state == State.PUBLISHED and policy.row_version == row_version:
        return policy  # a second click
    _check_draft(policy)
    if policy.row_version != row_version:
        raise PolicyRefused("The draft was changed in the meantime. Look at it again before you publish.")
    if policy.preview is None:
        raise PolicyRefused("Preview the draft first: see what it would change, then publish it.")
    check_policy(policy, list(policy_queries.rows_of(tenant, policy)))
    return _put_in_force(tenant, policy, verb="scoring.policy_published", by=by)


@transaction.atomic
def roll_back(tenant: Tenant, *, policy_id: int, by: Actor) -> HealthPolicy:
    """Reinstate a retired version under its own number."""
    policy = _locked(tenant, policy_id)
    if policy.state == State.PUBLISHED:
        return policy  # a second click
    versioned.check_retired(policy)
    return _put_in_force(tenant, policy, verb="scoring.policy_rolled_back", by=by)


@transaction.atomic
def discard(tenant: Tenant, *, policy_id: int, by: Actor) -> None:
    """Throw a draft away; its number is not given again while later versions stand."""
    policy = _locked(tenant, policy_id)
    _check_draft(policy)
    audit.record(tenant, verb="scoring.policy_discarded", by=by, subject=policy)
    PolicyIndicator.objects.for_tenant(tenant).filter(policy=policy).delete()
    policy.delete()


def _put_in_force(tenant: Tenant, policy: HealthPolicy, *, verb: str, by: Actor) -> HealthPolicy:
    current = (
        HealthPolicy.objects.for_tenant(tenant)
        .select_for_update()
        .filter(segment=policy.segment, state=State.PUBLISHED)
        .first()
    )
    versioned.put_in_force(tenant, policy, current, verb=verb, by=by, label=policy_label)
    jobs.enqueue(tenant, kind="scoring.score", by=by, dedupe_key="score")
    return policy


def _locked(tenant: Tenant, policy_id: int) -> HealthPolicy:
    policy = HealthPolicy.objects.for_tenant(tenant).select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise PolicyRefused("There is no such policy version.")
    return policy


def _check_draft(policy: HealthPolicy) -> None:
    if policy.state != State.DRAFT:
        raise PolicyRefused("Only a draft can be changed. Make a new draft from this version.")
