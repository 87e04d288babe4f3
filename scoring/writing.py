"""Saving a computation: COPY to a stage, then set-based INSERT into snapshots, projection and event log.

COPY into a table under row-level security is refused, hence the stage. One short transaction a block of accounts.
The run's fingerprint is set last: rows of a run without one are never read.
"""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from scoring import queries
from scoring.bands import band_of, policy_label
from scoring.clock import tenant_today
from scoring.models import ScoreRun
from scoring.scored import Scored
from tenants import statistics
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

BLOCK = 2_000
DELTA_DAYS = 30
DELTA_TOLERANCE_DAYS = 7
SPARK_POINTS = 12
MOVED = Decimal(2)  # points of health that are worth an event

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS score_stage (
    account_id bigint, health numeric, band text, coverage_pct numeric, dimensions jsonb, indicators jsonb,
    reasons jsonb, arr numeric, currency text, arr_reporting numeric, priority float8, renewal_date date,
    policy_id bigint, policy_version text, delta_30 numeric, spark float8[], override_health numeric,
    override_band text, override_until date, event jsonb, object_label text
) ON COMMIT DROP;
TRUNCATE score_stage
"""
COLUMNS = (
    "account_id", "health", "band", "coverage_pct", "dimensions", "indicators", "reasons", "arr", "currency",
    "arr_reporting", "priority", "renewal_date", "policy_id", "policy_version", "delta_30", "spark",
    "override_health", "override_band", "override_until", "event",
)  # fmt: skip
COPY = f"COPY score_stage ({', '.join(COLUMNS)}) FROM STDIN"

SNAPSHOTS = """
INSERT INTO scoring_health_snapshot (
    tenant_id, account_id, as_of, run_id, health, band, coverage_pct, dimensions, indicators, reasons, arr, currency,
    arr_reporting, priority, renewal_date, policy_id, policy_version)
SELECT %(tenant)s, account_id, %(day)s, %(run)s, health, band, coverage_pct, dimensions, indicators, reasons, arr,
       currency, arr_reporting, priority, renewal_date, policy_id, policy_version
FROM score_stage
"""

PROJECTION = """
INSERT INTO scoring_accounthealth AS kept (
    tenant_id, account_id, as_of, health, band, coverage_pct, delta_30, spark, reasons, dimensions, arr, currency,
    arr_reporting, priority, renewal_date, run_id, policy_version, override_health, override_band, override_until,
    updated_at)
SELECT %(tenant)s, account_id, %(day)s, health, band, coverage_pct, delta_30, spark, reasons, dimensions, arr,
       currency, arr_reporting, priority, renewal_date, %(run)s, policy_version, override_health, override_band,
       override_until, now()
FROM score_stage
ON CONFLICT (tenant_id, account_id) DO UPDATE SET
    as_of = excluded.as_of, health = excluded.health, band = excluded.band, coverage_pct = excluded.coverage_pct,
    delta_30 = excluded.delta_30, spark = excluded.spark, reasons = excluded.reasons,
    dimensions = excluded.dimensions, arr = excluded.arr, currency = excluded.currency,
    arr_reporting = excluded.arr_reporting, priority = excluded.priority, renewal_date = excluded.renewal_date,
    run_id = excluded.run_id, policy_version = excluded.policy_version,
    override_health = excluded.override_health, override_band = excluded.override_band,
    override_until = excluded.override_until, updated_at = excluded.updated_at
"""

EVENTS = """
INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, object_type, object_id, object_label,
                         account_id, diff)
SELECT %(tenant)s, 'scoring.health_changed', %(actor_kind)s, %(actor_id)s, %(actor_label)s, 'accounts.account',
       s.account_id::text, left(a.name, 300), s.account_id, s.event
FROM score_stage s JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = s.account_id
WHERE s.event IS NOT NULL
ORDER BY s.account_id
"""

BEFORE = """
SELECT h.account_id, h.health, h.band,
       ARRAY(SELECT i ->> 'key' FROM jsonb_array_elements(s.indicators) AS i
             WHERE (i ->> 'score')::numeric < 50 ORDER BY 1)
FROM scoring_accounthealth h
LEFT JOIN scoring_health_snapshot s
       ON s.tenant_id = h.tenant_id AND s.account_id = h.account_id AND s.as_of = h.as_of AND s.run_id = h.run_id
WHERE h.tenant_id = %(tenant)s AND h.account_id = ANY(%(ids)s)
"""

PAST = """
SELECT w.step, s.account_id, s.health
FROM unnest(%(steps)s::int[], %(days)s::date[], %(runs)s::bigint[]) AS w (step, day, run)
JOIN scoring_health_snapshot s
  ON s.tenant_id = %(tenant)s AND s.as_of = w.day AND s.run_id = w.run AND s.account_id = ANY(%(ids)s)
"""

GONE = "DELETE FROM scoring_accounthealth WHERE tenant_id = %(tenant)s AND run_id <> %(run)s"


def write_scores(
    tenant: Tenant,
    *,
    scored: Scored,
    by: Actor,
    seconds: Callable[[], float],
    progress: Callable[[int, int | None, str], None],
) -> ScoreRun:
    """Save one computation and return its run. The same figures again add a run row and no snapshot."""
    with tenant_transaction(tenant.pk):
        standing = queries.run_of_day(tenant, scored.day)
        is_unchanged = standing is not None and standing.fingerprint == scored.fingerprint
        run = _start_run(tenant, scored, by, is_unchanged)
        newest = queries.latest_as_of(tenant)
        past = _past_runs(tenant, scored.day)
        if not is_unchanged:
            _ensure_partition(scored.day)
    writer = _Writer(
        tenant,
        scored=scored,
        by=by,
        run_id=standing.pk if is_unchanged and standing is not None else run.pk,
        adds_snapshots=not is_unchanged,
        is_newest=newest is None or scored.day >= newest,
        past=past,
    )
    for first in range(0, len(scored), BLOCK):
        last = min(first + BLOCK, len(scored))
        with tenant_transaction(tenant.pk):
            writer.write_block(range(first, last))
        progress(last, len(scored), "Saving scores")
    with tenant_transaction(tenant.pk):
        writer.finish()
        run.fingerprint, run.seconds = scored.fingerprint, round(seconds(), 3)
        run.save(update_fields=["fingerprint", "seconds"])
    if not is_unchanged:
        statistics.refresh("scoring_accounthealth", "scoring_health_snapshot", "audit_event")
    return run


def _start_run(tenant: Tenant, scored: Scored, by: Actor, is_unchanged: bool) -> ScoreRun:
    versions = {
        policy.segment: {"id": policy.pk, "version": policy.version, "label": policy_label(policy)}
        for policy in scored.policies
    }
    return ScoreRun.objects.create(
        tenant=tenant,
        as_of=scored.day,
        policy_versions=versions,
        fingerprint="",
        accounts=len(scored),
        is_unchanged=is_unchanged,
        summary=scored.summary(),
        started_by_label=by.label[:300],
    )


def _ensure_partition(day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [day.replace(day=1)])


def _past_runs(tenant: Tenant, day: date) -> list[tuple[int, date, int]]:
    """(weeks back, day, run) of the spark's earlier points, and (0, day, run) of what delta_30 compares with."""
    runs = queries.effective_runs(
        tenant, since=day - timedelta(weeks=SPARK_POINTS + 1), until=day - timedelta(days=1)
    )

    def newest_in(last: date, days: int) -> queries.Effective | None:
        fitting = [run for run in runs if last - timedelta(days=days) < run.as_of <= last]
        return fitting[-1] if fitting else None

    steps = {week: newest_in(day - timedelta(weeks=week), 7) for week in range(1, SPARK_POINTS)}
    steps[0] = newest_in(day - timedelta(days=DELTA_DAYS), DELTA_TOLERANCE_DAYS + 1)
    return [(step, run.as_of, run.run_id) for step, run in steps.items() if run is not None]


class _Writer:
    """Writes one block after another of one computation."""

    def __init__(
        self,
        tenant: Tenant,
        *,
        scored: Scored,
        by: Actor,
        run_id: int,
        adds_snapshots: bool,
        is_newest: bool,
        past: list[tuple[int, date, int]],
    ) -> None:
        self.tenant, self.scored, self.run_id = tenant, scored, run_id
        self.adds_snapshots, self.is_newest, self.past = adds_snapshots, is_newest, past
        self.parameters: dict[str, Any] = {
            "tenant": tenant.pk,
            "day": scored.day,
            "run": run_id,
            "actor_kind": by.kind,
            "actor_id": by.id,
            "actor_label": by.label[:300],
        }
        self.today = tenant_today(tenant)

    def write_block(self, block: range) -> None:
        ids = [int(self.scored.features.ids[at]) for at in block]
        before = self._before(ids) if self.is_newest else {}
        past = self._past_points(ids) if self.is_newest else {}
        overrides = queries.overrides_in_force(self.tenant, ids, today=self.today) if self.is_newest else {}
        with connection.cursor() as cursor:
            cursor.execute(STAGE)
            with cursor.copy(COPY) as copy:
                for at in block:
                    copy.write_row(self._row(at, before=before, past=past, overrides=overrides))
            if self.adds_snapshots:
                cursor.execute(SNAPSHOTS, self.parameters)
            if self.is_newest:
                cursor.execute(PROJECTION, self.parameters)
                cursor.execute(EVENTS, self.parameters)

    def finish(self) -> None:
        """Accounts that are no customers any more leave the projection; their snapshots stay."""
        if self.is_newest:
            with connection.cursor() as cursor:
                cursor.execute(GONE, self.parameters)

    def _before(self, ids: list[int]) -> dict[int, tuple[Decimal | None, str, list[str]]]:
        with connection.cursor() as cursor:
            cursor.execute(BEFORE, {"tenant": self.tenant.pk, "ids": ids})
            return {account: (health, band, low) for account, health, band, low in cursor.fetchall()}

    def _past_points(self, ids: list[int]) -> dict[int, dict[int, Decimal | None]]:
        """Earlier health by account and week; step 0 is the one that delta_30 compares with."""
        found: dict[int, dict[int, Decimal | None]] = {}
        if not self.past:
            return found
        steps, days, runs = zip(*self.past, strict=True)
        parameters: dict[str, Any] = {
            "tenant": self.tenant.pk,
            "ids": ids,
            "steps": list(steps),
            "days": list(days),
            "runs": list(runs),
        }
        with connection.cursor() as cursor:
            cursor.execute(PAST, parameters)
            for step, account, health in cursor.fetchall():
                found.setdefault(account, {})[step] = health
        return found

    def _row(
        self, at: int, *, before: dict[int, Any], past: dict[int, Any], overrides: dict[int, Any]
    ) -> list[Any]:
        scored, money = self.scored, self.scored.features.money
        account = int(scored.features.ids[at])
        indicators = scored.indicators(at)
        health, earlier = scored.health_of(at), past.get(account, {})
        override, policy = overrides.get(account), scored.policy(at)
        event = self._event(at, before.get(account), indicators) if self.is_newest else None
        return [
            account,
            health,
            scored.band_of(at),
            Decimal(int(scored.health.coverage[at])).scaleb(-2),
            json.dumps(scored.dimensions(at, indicators)),
            json.dumps(indicators),
            json.dumps(scored.reasons(indicators)),
            money.arr[at],
            money.currency[at],
            money.arr_reporting[at],
            scored.priority_of(at),
            money.renewal_date[at],
            policy.pk,
            policy_label(policy),
            health - earlier[0] if health is not None and earlier.get(0) is not None else None,
            _spark(earlier, health),
            override.health if override else None,
            band_of(override.health, policy) if override else "",
            override.until if override else None,
            json.dumps(event) if event else None,
        ]

    def _event(
        self, at: int, before: tuple[Decimal | None, str, list[str]] | None, indicators: list[dict[str, Any]]
    ) -> dict[str, Any] | None:
        """What to tell of this account, or None when nothing that matters has moved."""
        scored = self.scored
        health, band, low = scored.health_of(at), scored.band_of(at), scored.low(indicators)
        if before is not None:
            old_health, old_band, old_low = before
            moved = health is not None and old_health is not None and abs(health - old_health) >= MOVED
            if band == old_band and not moved and sorted(each["key"] for each in low) == old_low:
                return None
        return {
            "before": None if before is None else {"health": _number(before[0]), "band": before[1]},
            "after": {
                "health": _number(health),
                "band": band,
                "as_of": str(scored.day),
                "run_id": self.run_id,
                "priority": scored.priority_of(at),
                "low": low,
            },
        }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _spark(earlier: dict[int, Decimal | None], health: Decimal | None) -> list[float | None]:
    """Weekly points, oldest first: gaps where a week was not scored, none before the first."""
    first = max((step for step in earlier if step), default=0)
    return [*(_number(earlier.get(week)) for week in range(first, 0, -1)), _number(health)]
