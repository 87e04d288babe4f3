"""A small world of renewals whose every chance is written down."""

from datetime import date
from decimal import Decimal

from scoring.growth import work
from scoring.models import AccountHealth, ScoreRun
from tests.scoring.evidence import DAY

FLAT = (0.1, 0.1, 0.1, 0.2, 0.3, 0.4)  # chance to have left by 30, 60, 90, 180, 270, 365 days


def run_of(world, day=DAY):
    with world.here():
        return ScoreRun.objects.create(
            tenant=world.tenant, as_of=day, policy_versions={}, fingerprint=str(day)
        )


def judge(world, account, run, *, leaves=FLAT, arr="12000", **values):
    """Where the account stands: without `leaves` no chance is known."""
    chance = {}
    if leaves:
        chance = {
            "leaves": list(leaves), "p90": Decimal(str(leaves[2])), "p90_low": Decimal("0.05"),
            "p90_high": Decimal("0.20"), "model_version": "churn v1",
        }  # fmt: skip
        chance["at_stake"] = Decimal(arr) * chance["p90"]
    with world.here():
        return AccountHealth.objects.create(
            tenant=world.tenant, account=account, as_of=run.as_of, health=70, band="watch", coverage_pct=90,
            reasons=[], dimensions={}, run_id=run.pk, policy_version="x", arr=Decimal(arr),
            arr_reporting=Decimal(arr), currency="USD", **chance, **values,
        )  # fmt: skip


def work_out(world):
    return work.work_out(world.tenant, lambda done, total, what: None)


Q4, Q1 = date(2026, 10, 1), date(2027, 1, 1)
