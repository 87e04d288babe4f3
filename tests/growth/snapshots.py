"""Snapshots with two indicators of equal weight, written by hand, and where the account stands by the newest one."""

from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from scoring.breakdown import LAYOUT, LAYOUTS, NO_SCORE
from scoring.models import AccountHealth, ScoreRun
from tests.scoring.evidence import DAY

FIRST, SECOND = "usage.trend_30d", "satisfaction.nps_latest"


def scored(world, account, days_ago, first, second=None, *, p90=None, level="", policy="all v1", model=1):
    """One scored day: points of both indicators (None: no value); health is their mean."""
    day = DAY - timedelta(days=days_ago)
    known = [each for each in (first, second) if each is not None]
    health = Decimal(sum(known)) / len(known)
    with world.here():
        run, _ = ScoreRun.objects.get_or_create(
            tenant=world.tenant, as_of=day, defaults={"policy_versions": {}, "fingerprint": str(day)}
        )
        _insert(world, account, run, {FIRST: first, SECOND: second}, health, p90, level, policy, model)
    return run


def _insert(world, account, run, points, health, p90, level, policy, model):
    names = LAYOUTS[LAYOUT]
    weights = [5000 if name in points else 0 for name in names]
    scores = [NO_SCORE if points.get(name) is None else points[name] * 100 for name in names]
    values = [float("nan") if points.get(name) is None else float(points[name]) for name in names]
    zeros = [0] * len(names)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [run.as_of.replace(day=1)])
        cursor.execute(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, recorded_at, health, band,"
            " coverage_pct, reasons, policy_id, policy_version, p90, p30, p60, p90_low, p90_high, risk_level,"
            " model_id, logit_base, logit_parts, layout, weights, scores, points, lost, values, why, newest_ago)"
            " VALUES (%s, %s, %s, %s, %s, %s, 'watch', 90, '[]', 1, %s, %s, %s, %s, %s, %s, %s, %s, 0, '{}', %s,"
            " %s, %s, %s, %s, %s, %s, %s)",
            [world.tenant.pk, account.pk, run.as_of, run.pk, timezone.now(), health, policy, p90,
             *((None,) * 4 if p90 is None else (0, 0, 0, 1)), level, None if p90 is None else model,
             LAYOUT, weights, scores, zeros, zeros, values, zeros, zeros],
        )  # fmt: skip


def stands(world, account, run, health, *, band="healthy", **values):
    """Where the account stands, as the projection of that run holds it."""
    with world.here():
        return AccountHealth.objects.create(
            tenant=world.tenant, account=account, as_of=run.as_of, health=Decimal(health), band=band,
            coverage_pct=90, reasons=[], dimensions={}, run_id=run.pk, policy_version="all v1", **values,
        )  # fmt: skip
