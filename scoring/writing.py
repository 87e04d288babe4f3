"""Saving a computation: COPY to a stage, then set-based INSERT into snapshots, projection and event log.

COPY into a table under row-level security is refused, hence the stage. One short transaction a block of accounts.
The run's fingerprint is set last: rows of a run without one are never read.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scoring import apart, queries
from scoring import writing_sql as sql
from scoring.bands import band_of, policy_label
from scoring.blocks import Before, Block, points
from scoring.breakdown import LAYOUT, MISSING
from scoring.catalogue import Missing
from scoring.chance_columns import ChanceBlock
from scoring.chances import DayChances, flag_places
from scoring.chances import summary as chance_summary
from scoring.clock import tenant_today
from scoring.models import ScoreRun
from scoring.scored import Scored
from tenants import statistics
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Ints = NDArray[np.int64]
BLOCK = 5_000
DELTA_DAYS = 30
DELTA_TOLERANCE_DAYS = 7
SPARK_POINTS = 12
ABSENT = -2  # no snapshot of that week
UNKNOWN_THEN = -1  # a snapshot without a health


def write_scores(
    tenant: Tenant,
    *,
    scored: Scored,
    chances: DayChances,
    by: Actor,
    seconds: Callable[[], float],
    progress: Callable[[int, int | None, str], None],
) -> ScoreRun:
    """Save one computation and return its run. The same figures again add a run row and no snapshot."""
    with tenant_transaction(tenant.pk):
        standing = queries.run_of_day(tenant, scored.day)
        is_unchanged = standing is not None and standing.fingerprint == scored.fingerprint
        run = _start_run(tenant, scored, chances, by, is_unchanged)
        newest = queries.latest_as_of(tenant)
        past = _past_runs(tenant, scored.day)
        if not is_unchanged:
            _ensure_partitions(scored.day, has_shadows=bool(chances.shadows))
    writer = _Writer(
        tenant,
        scored=scored,
        chances=chances,
        by=by,
        run_id=standing.pk if is_unchanged and standing is not None else run.pk,
        adds_snapshots=not is_unchanged,
        is_newest=newest is None or scored.day >= newest,
        past=past,
    )
    for first in range(0, len(scored), BLOCK):
        last = min(first + BLOCK, len(scored))
        with tenant_transaction(tenant.pk):
            writer.write_block(first, last)
        progress(last, len(scored), "Saving scores")
    with tenant_transaction(tenant.pk):
        writer.finish()
        run.fingerprint, run.seconds = scored.fingerprint, round(seconds(), 3)
        run.save(update_fields=["fingerprint", "seconds"])
    if not is_unchanged:
        statistics.refresh("scoring_accounthealth", "scoring_health_snapshot", "audit_event")
    return run


def _start_run(
    tenant: Tenant, scored: Scored, chances: DayChances, by: Actor, is_unchanged: bool
) -> ScoreRun:
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
        summary=scored.summary()
        | {
            "chances": chance_summary(chances),
            "held": [each.told() for each in chances.held],
            "sources": chances.sources,
            apart.MARK: True,
        },
        started_by_label=by.label[:300],
    )


def _ensure_partitions(day: date, *, has_shadows: bool) -> None:
    tables = ["scoring_health_snapshot", *(["scoring_shadow_score"] if has_shadows else [])]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute("SELECT ensure_partition(%s, %s)", [table, day.replace(day=1)])


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
        chances: DayChances,
        by: Actor,
        run_id: int,
        adds_snapshots: bool,
        is_newest: bool,
        past: list[tuple[int, date, int]],
    ) -> None:
        self.tenant, self.scored, self.chances, self.run_id = tenant, scored, chances, run_id
        self.adds_snapshots, self.is_newest, self.past = adds_snapshots, is_newest, past
        self.parameters: dict[str, Any] = {
            "tenant": tenant.pk,
            "day": scored.day,
            "layout": LAYOUT,
            "run": run_id,
            "actor_kind": by.kind,
            "actor_id": by.id,
            "actor_label": by.label[:300],
            "flags": list(chances.flags),
            "flag_places": flag_places(chances.flags),
            "not_tracked": MISSING.index(Missing.NOT_TRACKED.value),
            "keeps_last": chances.keeps_last,
        }
        self.today = tenant_today(tenant)

    def write_block(self, first: int, last: int) -> None:
        block = Block(self.scored, first, last)
        past = self._past_points(block)
        before = self._before(block)
        told = ChanceBlock(self.chances.live, block, earlier=past[:, 0, 1], before=before)
        columns = [
            *self._computed(block, told),
            *self._standing(block, past[:, :, 0], before),
            *told.columns(),
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql.STAGE)
            with cursor.copy(sql.COPY) as copy:
                for row in zip(*columns, strict=True):
                    copy.write_row(row)
            if self.adds_snapshots:
                cursor.execute(sql.SNAPSHOTS, self.parameters)
                self._write_shadows(cursor, block)
            if self.is_newest:
                cursor.execute(sql.PROJECTION, self.parameters)
                cursor.execute(sql.EVENTS, self.parameters)

    def _write_shadows(self, cursor: Any, block: Block) -> None:
        """What models that nobody sees would have said, for the page that judges them."""
        if not self.chances.shadows:
            return
        cursor.execute(sql.SHADOW_STAGE)
        rows = slice(block.at.start, block.at.stop)
        with cursor.copy(sql.SHADOW_COPY) as copy:
            for shadow in self.chances.shadows:
                for account, p in zip(block.ids, shadow.p[rows].tolist(), strict=True):
                    copy.write_row((account, shadow.model_id, *(f"{each:.6f}" for each in p)))
        cursor.execute(sql.SHADOWS, self.parameters)

    def finish(self) -> None:
        """Accounts that are no customers any more leave the projection; their snapshots stay."""
        if self.is_newest:
            with connection.cursor() as cursor:
                cursor.execute(sql.GONE, self.parameters)

    def _computed(self, block: Block, told: ChanceBlock) -> list[list[Any]]:
        """What the snapshot and the projection both hold, in the order of COLUMNS."""
        scored, money, rows = self.scored, self.scored.features.money, slice(block.at.start, block.at.stop)
        policies = [scored.policies[number] for number in scored.policy_of[rows].tolist()]
        return [
            block.ids,
            [points(each) for each in block.health.tolist()],
            block.bands,
            [Decimal(each).scaleb(-2) for each in scored.health.coverage[rows].tolist()],
            block.dimensions(),
            *block.arrays(),
            block.abouts(),
            block.reasons(),
            money.arr[rows],
            money.currency[rows],
            money.arr_reporting[rows],
            told.priorities([scored.priority_of(at) for at in block.at]),
            money.renewal_date[rows],
            [policy.pk for policy in policies],
            [policy_label(policy) for policy in policies],
        ]

    def _standing(self, block: Block, past: Ints, before: Before) -> list[list[Any]]:
        """What only the projection and the event log hold; empty for a day of the past."""
        if not self.is_newest:
            return [[None] * block.size, ["{}"] * block.size, *([[None] * block.size] * 4)]
        overrides = queries.overrides_in_force(self.tenant, block.ids, today=self.today)
        held = [overrides.get(account) for account in block.ids]
        return [
            _change(block.health, past[:, 0]),
            _sparks(past, block.health),
            [each.health if each else None for each in held],
            [
                (each.band or band_of(each.health, self.scored.policy(at))) if each else ""
                for at, each in zip(block.at, held, strict=True)
            ],
            [each.until if each else None for each in held],
            block.events(before, self.run_id),
        ]

    def _before(self, block: Block) -> Before:
        with connection.cursor() as cursor:
            cursor.execute(sql.BEFORE, {"tenant": self.tenant.pk, "ids": block.ids})
            return Before(block, cursor.fetchall())

    def _past_points(self, block: Block) -> Ints:
        """Accounts x weeks back x (health in hundredths, p90 in millionths); week 0 is what a change compares with."""
        found = np.full((block.size, SPARK_POINTS, 2), ABSENT, dtype=np.int64)
        if not self.past or not self.is_newest:
            return found
        steps, days, runs = (list(each) for each in zip(*self.past, strict=True))
        parameters: dict[str, Any] = {"tenant": self.tenant.pk, "ids": block.ids}
        parameters |= {"steps": steps, "days": days, "runs": runs}
        with connection.cursor() as cursor:
            cursor.execute(sql.PAST, parameters)
            rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 4)
        found[np.searchsorted(np.array(block.ids), rows[:, 1]), rows[:, 0]] = rows[:, 2:]
        return found


def _change(health: Ints, earlier: Ints) -> list[Decimal | None]:
    """Points of health since then; None where either is unknown."""
    return [
        Decimal(now - then).scaleb(-2) if now >= 0 and then >= 0 else None
        for now, then in zip(health.tolist(), earlier.tolist(), strict=True)
    ]


def _sparks(past: Ints, health: Ints) -> list[str]:
    """Weekly points as array literals, oldest first: gaps where a week was not scored, none before the first."""
    weeks = np.column_stack([past[:, :0:-1], np.where(health < 0, UNKNOWN_THEN, health)])
    begins = np.argmax(weeks != ABSENT, axis=1).tolist()
    return [
        f"{{{','.join('NULL' if each < 0 else str(each / 100) for each in row[begin:])}}}"
        for row, begin in zip(weeks.tolist(), begins, strict=True)
    ]
