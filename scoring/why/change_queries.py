"""Two scored days of one account, read for the split in `scoring.changes`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q

from accounts.models import Account
from scoring import model_queries, queries
from scoring.catalogue import INDICATORS
from scoring.changes import ChanceDay, HealthDay, Policy, Reading
from scoring.models import ChurnModel, HealthPolicy, HealthSnapshot, Override
from scoring.why.sources import late_sources
from scoring.windows import other_than
from tenants.models import Tenant

OPTIONAL = frozenset(each.key for each in INDICATORS if each.optional)
TOLERANCE_DAYS = 7
TIMING = "contract.timing"


@dataclass(frozen=True)
class Standing:
    """What was scored of the account on one day, with what is needed to compare it."""

    snapshot: HealthSnapshot
    policy: HealthPolicy | None
    model: ChurnModel | None
    override: Override | None
    late: frozenset[str] = field(default_factory=frozenset)  # sources that were silent for everybody

    @property
    def day(self) -> date:
        return self.snapshot.as_of


@dataclass(frozen=True)
class Pair:
    """The two ends of a change; None where nothing was scored on or shortly before the wanted day."""

    first: Standing | None = None
    last: Standing | None = None


def pair(tenant: Tenant, account: Account, runs: list[queries.Effective], wanted: tuple[date, date]) -> Pair:
    """The newest of the scored days on or up to a week before each wanted day; four statements."""
    chosen = [_run_near(runs, day) for day in wanted]
    asked = Q()
    for run in chosen:
        if run is not None:
            asked |= Q(as_of=run.as_of, run_id=run.run_id)
    if not asked:
        return Pair()
    rows = HealthSnapshot.objects.filter(asked, tenant=tenant, account_id=account.pk).select_related("run")
    snapshots = {(each.as_of, each.run_id): each for each in rows}
    there = _standings(tenant, account, list(snapshots.values()))
    first, last = (there.get((run.as_of, run.run_id)) if run else None for run in chosen)
    return Pair(first, last)


def _run_near(runs: list[queries.Effective], day: date) -> queries.Effective | None:
    """`runs`: one a scored day, oldest first."""
    near = [run for run in runs if day - timedelta(days=TOLERANCE_DAYS) <= run.as_of <= day]
    return near[-1] if near else None


def _standings(
    tenant: Tenant, account: Account, snapshots: list[HealthSnapshot]
) -> dict[tuple[date, int], Standing]:
    if not snapshots:
        return {}
    policies = queries.policies_by_id(tenant, {each.policy_id for each in snapshots})
    models = model_queries.models_by_id(
        tenant, {each.model_id for each in snapshots if each.model_id is not None}
    )
    overrides = list(Override.objects.for_tenant(tenant).filter(account=account).order_by("-created_at"))
    return {
        (each.as_of, each.run_id): Standing(
            snapshot=each,
            policy=policies.get(each.policy_id),
            model=models.get(each.model_id or 0),
            override=_in_force(overrides, each.as_of),
            late=late_sources(each.run.summary),
        )
        for each in snapshots
    }


def _in_force(overrides: list[Override], day: date) -> Override | None:
    """The override that stood at the end of the day; the newest, should two overlap."""
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    for each in overrides:
        has_ended = each.ended_at is not None and each.ended_at < end
        if each.created_at < end and not has_ended and each.until >= day:
            return each
    return None


def health_day(standing: Standing) -> HealthDay:
    """Hundredths, as `changes.health_change` takes them."""
    health, override = standing.snapshot.health, standing.override
    return HealthDay(
        health=None if health is None else int(health * 100),
        policy=_policy(standing),
        readings=readings(standing.snapshot),
        override=None if override is None else int(override.health * 100),
    )


def _policy(standing: Standing) -> Policy:
    found = standing.policy
    if found is None:
        return Policy(standing.snapshot.policy_version)
    rows = [row for row in found.rows if row.enabled]
    return Policy(
        name=f"{found.pk} {standing.snapshot.policy_version}",
        curves={row.indicator: (tuple(row.xs), tuple(row.ys)) for row in rows},
        windows={row.indicator: row.window_days for row in rows},
        is_neutral=found.missing_rule == HealthPolicy.MissingRule.NEUTRAL,
    )


def readings(snapshot: HealthSnapshot) -> dict[str, Reading]:
    """Every indicator of the snapshot, also those without weight."""
    kept = snapshot.indicators if snapshot.breakdown is None else snapshot.breakdown.everything()
    return {each["key"]: _reading(each) for each in kept}


def _reading(found: Mapping[str, Any]) -> Reading:
    score = found.get("score")
    return Reading(
        weight=round(found["weight"] * 100),
        score=None if score is None else round(score * 100),
        value=found["value"],
        missing=found.get("missing") or "",
        latest=found.get("latest"),
        text=found.get("text") or "",
    )


def chance_day(standing: Standing, account: Account) -> ChanceDay | None:
    """The stored parts under their names; None without a chance, or when the model's names are not known any more."""
    snapshot, model = standing.snapshot, standing.model
    if snapshot.logit_base is None or snapshot.logit_parts is None or model is None:
        return None
    names = part_names(model)
    if len(names) != len(snapshot.logit_parts):
        return None
    parts = dict(zip(names, snapshot.logit_parts, strict=True))
    unlike = _read_otherwise(snapshot, model)
    values: dict[str, float | None] = {
        name: reading.value
        for name, reading in readings(snapshot).items()
        if name in parts and name not in unlike
    }
    since = account.customer_since
    if "account.tenure_days" in parts:
        values["account.tenure_days"] = None if since is None else float((snapshot.as_of - since).days)
    if "account.log_arr" in parts:
        values["account.log_arr"] = None if snapshot.arr_reporting is None else float(snapshot.arr_reporting)
    return ChanceDay(snapshot.model_version, snapshot.logit_base, parts, values)


def _read_otherwise(snapshot: HealthSnapshot, model: ChurnModel) -> set[str]:
    """What the version read over other windows than health: the snapshot keeps the values of health."""
    about = snapshot.breakdown.about if snapshot.breakdown is not None else None
    return set(other_than(model.report, (about or {}).get("days", {})))


def part_names(model: ChurnModel) -> tuple[str, ...]:
    """What each entry of a snapshot's logit_parts is of, as the model's document lists its curves."""
    curves = model.document.get("curves", []) if isinstance(model.document, dict) else []
    return (*(str(curve.get("name", "")) for curve in curves), TIMING)
