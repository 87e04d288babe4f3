"""Reads of scores: runs, snapshots, history, policies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Outcome
from scoring.catalogue import SOURCES
from scoring.models import AccountHealth, HealthPolicy, HealthSnapshot, Override, PolicyIndicator, ScoreRun
from tenants.models import Tenant


def published_policies(tenant: Tenant) -> list[HealthPolicy]:
    """The policies in force with their `.rows`, one a segment ('' is for every segment without its own)."""
    policies = HealthPolicy.objects.for_tenant(tenant)
    return with_rows(tenant, policies.filter(state=HealthPolicy.State.PUBLISHED).order_by("segment"))


def with_rows(tenant: Tenant, policies: Iterable[HealthPolicy]) -> list[HealthPolicy]:
    """The policies with their indicators in `.rows`, as `pipeline.evaluate` takes them; two queries."""
    found = list(policies)
    rows: dict[int, list[PolicyIndicator]] = {policy.pk: [] for policy in found}
    indicators = PolicyIndicator.objects.for_tenant(tenant).filter(policy_id__in=list(rows))
    for row in indicators.order_by("indicator"):
        rows[row.policy_id].append(row)
    for policy in found:
        policy.rows = rows[policy.pk]
    return found


def policies_by_id(tenant: Tenant, ids: set[int]) -> dict[int, HealthPolicy]:
    """Versions with their `.rows`; one query, so a version without any row is not among them."""
    found: dict[int, HealthPolicy] = {}
    indicators = PolicyIndicator.objects.for_tenant(tenant).filter(policy_id__in=ids)
    for row in indicators.select_related("policy").order_by("policy_id", "indicator"):
        policy = found.setdefault(row.policy_id, row.policy)
        policy.rows = [*getattr(policy, "rows", ()), row]
    return found


@dataclass(frozen=True)
class Effective:
    """The run whose snapshots stand for a day: the newest one that finished and wrote any."""

    as_of: date
    run_id: int


def effective_runs(
    tenant: Tenant, *, since: date | None = None, until: date | None = None
) -> list[Effective]:
    """One run a scored day, oldest day first. A run that broke off has no fingerprint and does not count."""
    runs = finished_runs(tenant).filter(is_unchanged=False)
    if since is not None:
        runs = runs.filter(as_of__gte=since)
    if until is not None:
        runs = runs.filter(as_of__lte=until)
    newest = runs.order_by("as_of", "-pk").distinct("as_of").values_list("as_of", "pk")
    return [Effective(as_of, run_id) for as_of, run_id in newest]


def finished_runs(tenant: Tenant) -> QuerySet[ScoreRun]:
    return ScoreRun.objects.for_tenant(tenant).exclude(fingerprint="")


def latest_as_of(tenant: Tenant) -> date | None:
    """The tenant's newest scored day, from which countdowns run (DECISIONS 26)."""
    return finished_runs(tenant).order_by("-as_of", "-pk").values_list("as_of", flat=True).first()


def run_of_day(tenant: Tenant, as_of: date) -> ScoreRun | None:
    """The run whose snapshots stand for that day."""
    return finished_runs(tenant).filter(as_of=as_of, is_unchanged=False).order_by("-pk").first()


def has_leavers(tenant: Tenant) -> bool:
    """Whether any account was ever seen to leave."""
    return Outcome.objects.for_tenant(tenant).filter(kind="churned").exists()


def account_health(tenant: Tenant, *, account_id: int) -> AccountHealth | None:
    """Where the account stands now, with the band that a person set if they gave no number (`set_band`).

    None when it was never scored or has left.
    """
    in_force = Override.objects.for_tenant(tenant).filter(account=OuterRef("account_id"), ended_at=None)
    rows = AccountHealth.objects.for_tenant(tenant).filter(account_id=account_id)
    return rows.annotate(set_band=Subquery(in_force.values("band")[:1])).first()


def snapshot(tenant: Tenant, *, account_id: int, as_of: date) -> HealthSnapshot | None:
    """What was computed for the account on exactly that day."""
    run = run_of_day(tenant, as_of)
    if run is None:
        return None
    return HealthSnapshot.objects.filter(
        tenant=tenant, account_id=account_id, as_of=as_of, run_id=run.pk
    ).first()


def snapshots_by_priority(tenant: Tenant, *, as_of: date) -> Iterator[HealthSnapshot]:
    """The day's snapshots with their accounts, largest priority first; unknown ones last, ties by external id."""
    run = run_of_day(tenant, as_of)
    if run is None:
        return iter(())
    rows = HealthSnapshot.objects.filter(tenant=tenant, as_of=as_of, run_id=run.pk).select_related("account")
    wanted = rows.defer(*HealthSnapshot.BREAKDOWN).order_by("-priority", "account__external_id")
    return wanted.iterator(chunk_size=2_000)


def snapshot_near(
    tenant: Tenant, *, account_id: int, day: date, tolerance_days: int = 7
) -> HealthSnapshot | None:
    """The newest snapshot on `day` or up to `tolerance_days` before it."""
    runs = effective_runs(tenant, since=day - timedelta(days=tolerance_days), until=day)
    if not runs:
        return None
    return HealthSnapshot.objects.filter(
        tenant=tenant, account_id=account_id, as_of=runs[-1].as_of, run_id=runs[-1].run_id
    ).first()


def history(tenant: Tenant, *, account_id: int, days: int = 400) -> list[HealthSnapshot]:
    """The account's snapshots of the last `days` days, oldest first: as_of, health, band, policy only."""
    newest = latest_as_of(tenant)
    if newest is None:
        return []
    since = newest - timedelta(days=days)
    runs = effective_runs(tenant, since=since, until=newest)
    return list(
        HealthSnapshot.objects.filter(
            tenant=tenant, account_id=account_id, as_of__gte=since, run_id__in=[run.run_id for run in runs]
        )
        .only("tenant", "account", "as_of", "run", "health", "band", "policy_id", "policy_version")
        .order_by("as_of")
    )


def override_in_force(tenant: Tenant, *, account_id: int) -> Override | None:
    return Override.objects.for_tenant(tenant).filter(account_id=account_id, ended_at=None).first()


def overrides_in_force(tenant: Tenant, account_ids: Sequence[int], *, today: date) -> dict[int, Override]:
    """The overrides that hold today, by account."""
    rows = Override.objects.for_tenant(tenant).filter(
        account_id__in=account_ids, ended_at=None, until__gte=today
    )
    return {row.account_id: row for row in rows}


def overrides_past_their_end(tenant: Tenant, *, today: date) -> list[Override]:
    rows = Override.objects.for_tenant(tenant).filter(ended_at=None, until__lt=today)
    return list(rows.select_related("account", "author").order_by("pk"))


def first_policy(tenant: Tenant) -> HealthPolicy | None:
    """Any policy that holds for every segment; None for a tenant that never had one."""
    return HealthPolicy.objects.for_tenant(tenant).filter(segment="").order_by("pk").first()


def health_for_update(tenant: Tenant, *, account_id: int) -> AccountHealth | None:
    """The account's standing, locked: overrides of one account wait for each other."""
    rows = AccountHealth.objects.for_tenant(tenant).select_for_update(of=("self",)).select_related("account")
    return rows.filter(account_id=account_id).first()


def snapshot_of(tenant: Tenant, standing: AccountHealth) -> HealthSnapshot | None:
    """The snapshot that the account's standing was taken from."""
    return HealthSnapshot.objects.filter(
        tenant=tenant, account_id=standing.account_id, as_of=standing.as_of, run_id=standing.run_id
    ).first()


def policy_by_id(tenant: Tenant, policy_id: int) -> HealthPolicy | None:
    return HealthPolicy.objects.for_tenant(tenant).filter(pk=policy_id).first()


def policy_of_run(tenant: Tenant, standing: AccountHealth) -> HealthPolicy | None:
    """The policy under which the account's standing was computed."""
    snapshot = snapshot_of(tenant, standing)
    return None if snapshot is None else policy_by_id(tenant, snapshot.policy_id)


def ended_overrides(tenant: Tenant, *, account_id: int, limit: int) -> list[Override]:
    """The account's earlier overrides, newest first."""
    rows = Override.objects.for_tenant(tenant).filter(account_id=account_id, ended_at__isnull=False)
    return list(rows.order_by("-ended_at", "-pk")[:limit])


def newest_run(tenant: Tenant) -> ScoreRun | None:
    """The run of the newest scored day, whether it added snapshots or found the same figures."""
    return finished_runs(tenant).order_by("-as_of", "-pk").first()


def coverage(tenant: Tenant) -> dict[str, float]:
    """Of how many customers each indicator is known in the newest scoring, in per cent by key; empty: not scored."""
    run = newest_run(tenant)
    return {} if run is None else run.summary.get("coverage", {})


def newest_run_for_update(tenant: Tenant) -> ScoreRun | None:
    """The same, locked: who changes what it says of its sources waits for each other."""
    return finished_runs(tenant).select_for_update().order_by("-as_of", "-pk").first()


def run_by_id(tenant: Tenant, run_id: int | None) -> ScoreRun | None:
    return None if run_id is None else finished_runs(tenant).filter(pk=run_id).first()


def recent_runs(tenant: Tenant, *, limit: int = 10) -> list[ScoreRun]:
    """The last runs in the order they were started, also those that broke off."""
    return list(ScoreRun.objects.for_tenant(tenant).order_by("-pk")[:limit])


@dataclass(frozen=True)
class SourceFreshness:
    """How fresh one source of evidence was when it was last scored."""

    key: str
    label: str
    accounts: int
    latest: date | None
    is_late: bool
    trouble: str = ""  # empty or shifted, where scores rest on it

    @property
    def is_tracked(self) -> bool:
        return self.accounts > 0


def freshness(run: ScoreRun | None) -> list[SourceFreshness]:
    """Each source of evidence as that run found it; no query."""
    found = run.summary.get("sources", {}) if run else {}
    held = {each["source"]: each["kind"] for each in run.summary.get("held", [])} if run else {}
    return [
        SourceFreshness(
            key=source.key,
            label=source.label,
            accounts=found[source.key]["accounts"],
            latest=date.fromisoformat(found[source.key]["latest"]) if found[source.key]["latest"] else None,
            is_late=found[source.key]["late"],
            trouble="" if found[source.key]["late"] else held.get(source.key, ""),
        )
        for source in SOURCES.values()
        if source.key in found
    ]
