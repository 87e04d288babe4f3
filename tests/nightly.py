"""What nightly jobs keep, for those rows of tests/permission_table.py that would else say "Not worked out yet".

Each `fill` is cheap: rows by the ORM, then the job's own code where it is quick (renewals, quality, cohorts), its own
`keep` where it is not. Nothing is trained. A fill returns what the row's `queries` name.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.utils import timezone

from tests.worlds import World

DAY = date(2026, 10, 1)  # scored; all pages tell what was known before it
LEFT = date(2026, 8, 15)
MONEY = Decimal("7654321")  # the marker of tests/test_field_rules.py


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


# --- two customers: one that left, one whose term ends in the quarter --------------------------------


def scored(world: World) -> dict[str, Any]:
    """A scored day with a customer that is judged and due for renewal, and one that left after it had been flagged."""
    from accounts.models import Outcome, Subscription
    from scoring.models import ScoreRun
    from tests.growth.world import judge

    term = {"tenant": world.tenant, "arr": MONEY, "currency": "USD", "started_at": _noon(date(2026, 1, 1))}
    stays = _account(world, "Stays", "S")
    Subscription.objects.create(
        **term, account=stays, external_id="T-S", product="Core", renewal_date=date(2026, 12, 1)
    )
    run = ScoreRun.objects.create(tenant=world.tenant, as_of=DAY, policy_versions={}, fingerprint="x")
    judge(world, stays, run, arr=str(MONEY))
    left = _account(world, "Leaves", "L")
    Subscription.objects.create(
        **term, account=left, external_id="T-L", product="Core", renewal_date=date(2026, 9, 30)
    )
    Outcome.objects.create(
        tenant=world.tenant, account=left, external_id="O-L", kind="churned", effective_at=_noon(LEFT), reason="price"
    )  # fmt: skip
    Outcome.objects.create(
        tenant=world.tenant, account=stays, external_id="O-S", kind="expanded", effective_at=_noon(LEFT),
        arr_before=MONEY / 2, arr_after=MONEY,
    )  # fmt: skip
    for weeks in (2, 3, 4):
        _snapshot(world, left, LEFT - timedelta(weeks=weeks))
    return {"account_id": stays.pk}


def _account(world: World, name: str, key: str) -> Any:
    """Owned by the world's CSM, named to the account executive too."""
    values = {"segment": "smb", "region": "EMEA", "ae_email": world.account_executive.user.email}
    return world.add_account(f"{name} of {world.tenant.slug}", external_id=f"NIGHT-{key}", **values)


def _snapshot(world: World, account: Any, day: date) -> None:
    from scoring.models import ScoreRun

    run = ScoreRun.objects.create(tenant=world.tenant, as_of=day, policy_versions={}, fingerprint="x")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [day])
        cursor.execute(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, recorded_at, health, band,"
            " coverage_pct, reasons, policy_id, policy_version, dimensions, indicators, arr, arr_reporting, currency)"
            " VALUES (%s, %s, %s, %s, %s, 30, 'critical', 90, '[]', 1, 'all v1', '{}', '[]', %s, %s, 'USD')",
            [world.tenant.pk, account.pk, day, run.pk, _noon(day), MONEY, MONEY],
        )


# --- renewals and growth ---------------------------------------------------------------------------


def renewals(world: World) -> dict[str, Any]:
    """Forecasts with the terms behind them, a target, what salespeople have committed, and a closed quarter."""
    from accounts.models import Opportunity
    from scoring.growth import work
    from scoring.growth.models import RenewalForecast, RenewalTarget

    made = scored(world)
    Opportunity.objects.create(
        tenant=world.tenant, account_id=made["account_id"], external_id="N-1", name="Renewal", type="renewal",
        stage="Offer", forecast_category="commit", amount=MONEY, currency="USD",
        created_at=_noon(LEFT), close_date=date(2026, 11, 1),
    )  # fmt: skip
    RenewalTarget.objects.create(tenant=world.tenant, quarter=DAY, amount=MONEY)
    intervals = {level: [0.0, 2 * float(MONEY)] for level in ("50", "80", "95")}
    figures = {"all": {"expected": float(MONEY), "intervals": intervals}}
    RenewalForecast.objects.create(
        tenant=world.tenant, as_of=date(2026, 6, 30), quarter=date(2026, 7, 1), run_id=1, model_version="churn v1",
        figures=figures, actual=MONEY, actual_as_of=DAY,
    )  # fmt: skip
    work.work_out(world.tenant, _silent)
    return made


KNOWN_TRIAL = {
    "began": "2026-09-10", "age": 21, "done": {"active_days": 4.0}, "score": 60.0, "n": 31, "why_not": "",
}  # fmt: skip
FACTS = {
    "expansion": ("seats", {"busiest": 95, "seats": 100}),
    "lead": ("growing", {"mean": 40.0, "before": 30.0}),
    "improving": ("improved.health", {"from": 40.0, "to": 60.0, "own": 0.2, "since": "2026-09-01"}),
    "milestone": (
        "milestone",
        {"stage": "adoption", "due": "2026-11-01", "p30": 0.2, "p60": 0.3, "known": "Go-live",
         "early": "2026-10-10", "late": "2026-12-10"},
    ),
    "trial": ("high", KNOWN_TRIAL),
}  # fmt: skip


def growth(world: World) -> dict[str, Any]:
    """An item of each list on one account, and the workspace's own past beside them."""
    from accounts.models import Contact
    from scoring.growth.models import GrowthItem, GrowthReport
    from scoring.growth.words import PATTERNS

    made = renewals(world)
    rate = {"hits": 9, "cases": 30, "chance": 0.3, "low": 0.2, "high": 0.4, "days": 40.0}
    report = GrowthReport.objects.get(tenant=world.tenant)
    report.figures |= {"patterns": dict.fromkeys(PATTERNS, rate)}
    report.save()
    Contact.objects.create(
        tenant=world.tenant,
        **made,
        external_id="NIGHT-P",
        name="Lena Lead",
        email="marker.person@customer.example",
    )
    GrowthItem.objects.filter(tenant=world.tenant).delete()
    GrowthItem.objects.bulk_create(
        GrowthItem(
            tenant=world.tenant,
            **made,
            kind=kind,
            pattern=pattern,
            facts=facts,
            product="Core",
            due=DAY,
            contact_external_id="NIGHT-P" if kind == "lead" else "",
            chance=0.3,
            low=0.2,
            high=0.4,
            hits=9,
            cases=30,
        )
        for kind, (pattern, facts) in FACTS.items()
    )
    return made


# --- cohorts, what is associated, quality -------------------------------------------------------------


@cache
def _curves() -> dict[str, Any]:
    """60 customers on two plans, of whom some left: the job's own figures, worked out once."""
    from scoring.learning import cohorts
    from scoring.learning.training import plain

    rows = [(n, "energy", "smb", "pro" if n % 2 else "basic", 400, 90 + 7 * n, n % 3 == 0) for n in range(60)]
    facts = {"from": date(2025, 1, 1), "until": DAY}
    return plain(facts | cohorts.report(cohorts.followed_of(rows)))


def cohorts(world: World) -> dict[str, Any]:
    """Curves for every reach that somebody in the world has."""
    from scoring.cohorts import job, queries
    from scoring.models import ScoreRun

    run = ScoreRun.objects.create(tenant=world.tenant, as_of=DAY, policy_versions={}, fingerprint="x")
    job.keep(
        world.tenant, run, dict.fromkeys([queries.EVERYTHING, *queries.readers(world.tenant)], _curves())
    )
    return {}


def associated(world: World) -> dict[str, Any]:
    """What the training of a version found, as it keeps it."""
    from scoring.learning import associated
    from tests.permission_table import a_version
    from tests.scoring.cohorts.test_associated import FIGURES

    row = _version(a_version(world)["model_id"])
    associated.keep(world.tenant, row, FIGURES)
    return {}


def _version(model_id: int) -> Any:
    from scoring.models import ChurnModel

    return ChurnModel.objects.get(pk=model_id)


def quality(world: World) -> dict[str, Any]:
    """Three scored months of 28 customers, and what the job says of them."""
    from scoring.quality import job
    from tests.scoring.quality import small_world

    accounts = small_world.build(world)
    for n in range(5):
        small_world.override(world, accounts[f"a{n}"])
    job.work_out(world.tenant, _silent)
    return {}


# --- replays, notices ---------------------------------------------------------------------------------


def replayed(world: World, account_id: int) -> dict[str, Any]:
    """Two replays side by side, as the job reports them: the account left and is named with its ARR."""
    import numpy as np

    from scoring.learning import labels, replay
    from scoring.whatif import report

    days = np.array([labels.day_number(DAY - timedelta(days=28 * back)) for back in range(8, 0, -1)])
    past = replay.Past(np.array([account_id]), days, np.full((1, 8), float(MONEY)), np.array([0]))
    calm, flagged = np.full((1, 8), replay.CALM), np.full((1, 8), replay.FLAGGED)
    left = replay.Gone(np.array([0]), *(np.array([float(days[-1] + 7)]) for _ in range(2)))
    history = SimpleNamespace(newest=DAY, names=["Stays"], named=np.array([True]))
    told = replay.alerts(past, calm), replay.alerts(past, flagged)
    found = report.compare(history, past, (calm, flagged), told, (left, left))
    return found | {"alerts_lost": -1, "held_back": [0, 0], "notes": []}


_IN_FORCE = {"medium_from": "0.100", "high_from": "0.300", "critical_from": "0.600", "margin": "0.020",
             "precision_wanted": "0.800", "flags_per_csm_week": 5}  # fmt: skip
CUTS_ASKED = {"cuts": _IN_FORCE | {"high_from": "0.400", "flags_per_csm_week": 3}, "now": _IN_FORCE}


def chance_versions(world: World) -> list[int]:
    """Ids of two versions of the chance settings, oldest first: the second one is in force."""
    from scoring.models import ChanceVersion
    from scoring.whatif import services
    from scoring.whatif.cuts import numbers

    services.publish(
        world.tenant, cuts=numbers(CUTS_ASKED["cuts"]), beside=numbers(_IN_FORCE), why="Fewer alarms.", replay={},
        model_id=0, job_id=1, by=world.actor("ops_admin"),
    )  # fmt: skip
    return list(ChanceVersion.objects.order_by("version").values_list("pk", flat=True))


def chances_replayed(world: World) -> dict[str, Any]:
    """A finished what-if of the chances; its id is in the address's query."""
    from jobs.models import Job

    made = scored(world)
    job = Job.objects.create(
        tenant=world.tenant, kind="scoring.whatif", state="done", finished_at=timezone.now(),
        requested_by_id=world.manager.user_id,
        result={"asked": CUTS_ASKED, "replay": replayed(world, made["account_id"])},
    )  # fmt: skip
    return {"job_id": job.pk}


def a_previewed_policy(world: World) -> dict[str, Any]:
    """A draft with the preview that its job keeps."""
    from scoring import policies, policy_queries

    made = scored(world)
    first = policy_queries.all_policies(world.tenant)[0]
    draft = policies.draft_from(world.tenant, policy_id=first.pk, by=world.actor("ops_admin"))
    draft.preview = {
        "as_of": str(DAY), "accounts": 1, "bands": [["watch", 1, 0], ["at_risk", 0, 1]], "changed_band": 1,
        "moves": [
            {**made, "name": "Stays", "before": 70.0, "after": 50.0, "change": -20.0, "band_before": "watch",
             "band_after": "at_risk"}
        ],
        "replay": replayed(world, made["account_id"]),
    }  # fmt: skip
    draft.save(update_fields=["preview"])
    return {"policy_id": draft.pk}


def notices(world: World) -> dict[str, Any]:
    """One for everybody, about an account."""
    from scoring.people.models import Notice

    account = _account(world, "Told of", "N")
    Notice.objects.bulk_create(
        Notice(
            tenant=world.tenant, user=person.user, kind="test", text="Something ended.", account_id=account.pk
        )
        for person in world.people.values()
    )
    return {}


def reports(world: World) -> dict[str, Any]:
    from tests.permission_table import a_data_report

    a_data_report(world)
    return {}


def _silent(*_: Any, **__: Any) -> None:
    """Nobody watches how far a job of a test is."""
