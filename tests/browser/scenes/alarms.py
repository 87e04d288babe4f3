"""J12: six customers scored every four weeks; who was flagged, who left, what a limit of one flag a week would hide.

Priya's customers Alder, Birch and Cedar cross 30 % in the same week; Birch leaves. Per week the largest amount at stake
comes first, so that a limit of one tells her of Alder alone. Fir belongs to another CSM, Elm left unseen, Gum is calm.
"""

from datetime import UTC as utc
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Outcome
from scoring.models import ChanceSettings, ScoreRun
from tests.browser.scenes.ground import World, a_world, again, partition, today

SLUG = "alarms"
SCORINGS, APART = 11, 28
# name: (owner, ARR, chance of leaving within 90 days by scoring; the last one repeats, None: not scored any more)
CUSTOMERS: dict[str, tuple[str, int, list[float | None]]] = {
    "Alder": ("csm", 100_000, [0.10, 0.50]),
    "Birch": ("csm", 50_000, [0.10, 0.45, 0.45, 0.45, 0.45, None]),
    "Cedar": ("csm", 80_000, [0.10, 0.40, 0.40, 0.05]),
    "Fir": ("csm2", 20_000, [0.10, 0.40]),
    "Elm": ("csm", 30_000, [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, None]),
    "Gum": ("csm2", 90_000, [0.02]),
}
LEFT = {"Birch": 4, "Elm": 5}  # some days after this scoring


def days() -> list[date]:
    return [today() - timedelta(APART * back) for back in range(SCORINGS - 1, -1, -1)]


def build() -> dict[str, Any]:
    world = a_world(SLUG)
    with world.here():
        accounts = {name: world.add_account(name, owner=owner) for name, (owner, _, _) in CUSTOMERS.items()}
        for at, day in enumerate(days()):
            run = ScoreRun.objects.create(tenant=world.tenant, as_of=day, policy_versions={}, fingerprint="x")
            partition("scoring_health_snapshot", day)
            for name, (_, arr, chances) in CUSTOMERS.items():
                p90 = chances[min(at, len(chances) - 1)]
                if p90 is not None:
                    _said(world, accounts[name].pk, run, p90, arr)
        for name, at in LEFT.items():
            gone = datetime.combine(days()[at] + timedelta(10), time(12), utc)
            Outcome.objects.create(
                tenant=world.tenant, account=accounts[name], external_id=f"O-{name}", kind="churned", effective_at=gone
            )  # fmt: skip
    return {name: account.pk for name, account in accounts.items()}


def _said(world: World, account: int, run: ScoreRun, p90: float, arr: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, recorded_at, health, band,"
            " coverage_pct, reasons, policy_id, policy_version, arr_reporting, p30, p60, p90, p90_low, p90_high,"
            " model_id, logit_base, logit_parts, dimensions, indicators)"
            " VALUES (%s, %s, %s, %s, %s, 50, 'watch', 90, '[]', 1, 'all v1', %s, 0, 0, %s, 0, 1, 1, 0, '{}', '{}',"
            " '[]')",
            [world.tenant.pk, account, run.as_of, run.pk, timezone.now(), arr, p90],
        )


def settings() -> dict[str, Any]:
    """What is stored of the numbers; empty: the defaults hold."""
    world = again(SLUG)
    with world.here():
        row = ChanceSettings.objects.for_tenant(world.tenant).first()
        return {"high_from": row.high_from, "flags": row.flags_per_csm_week} if row else {}
