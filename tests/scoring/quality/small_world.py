"""28 customers, three scored months, seven who left: small enough that every figure can be worked out by hand.

Scored on 5 and 12 January, 2 February and 2 March 2026; known up to 20 May. Group A (12, smb) is said to leave with
.5 within 90 days, six of them do on 20 March. Group B (12, smb) and C (4, enterprise) have .2; one of B leaves on
25 March. Windows of 90 days are closed for January and February, that of March closes on 31 May.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection

from accounts.models import Account, Outcome
from scoring.learning import registry
from scoring.models import Override, ScoreRun
from tenants.access import SYSTEM
from tenants.queries import default_team
from tests.scoring.models_by_hand import by_hand, to_document

DAYS = (date(2026, 1, 5), date(2026, 1, 12), date(2026, 2, 2), date(2026, 3, 2))
KNOWN = date(2026, 5, 20)
GONE_A, GONE_B = date(2026, 3, 20), date(2026, 3, 25)
CHANCES = {"a": (0.2, 0.35, 0.5), "b": (0.05, 0.12, 0.2), "c": (0.05, 0.12, 0.2)}
NAMES = [f"{group}{n}" for group, many in (("a", 12), ("b", 12), ("c", 4)) for n in range(many)]
LEFT = {f"a{n}": GONE_A for n in range(6)} | {"b0": GONE_B}
REPORT = {
    "chosen": "additive",
    "chosen_why": "No other candidate is shown to be better on the same rows.",
    "candidates": {"additive": {"judged": True, "log_loss": {"value": 0.4, "low": 0.3, "high": 0.5}}},
    "gates": [
        {"key": "origins", "needed": "4", "found": 2, "passed": False, "words": "Past days: 2, 4 needed."}
    ],
    "kinds": {
        "voluntary": {
            "left": 8,
            "flagged": 6,
            "share": {"value": 0.75, "low": 0.4, "high": 0.9, "n": 8, "events": 6},
        },
        "payment_failure": {
            "left": 2,
            "flagged": 1,
            "share": {"value": 0.5, "low": 0.1, "high": 0.9, "n": 2, "events": 1},
        },
    },
    "thresholds": {str(h): {"used": cut} for h, cut in ((30, 0.1), (60, 0.2), (90, 0.3))},
    "horizons": {
        str(h): {"all": {"rate": {"value": rate}}, "segments": {"smb": {"hidden": True, "n": 9, "events": 3}}}
        for h, rate in ((30, 0.1), (60, 0.2), (90, 0.25))
    },
}


def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def build(world, *, report=REPORT, late=()):
    """Everything but overrides; the accounts by name. Days of `late` were scored 15 days after, the others on time."""
    with world.here():
        team = default_team(world.tenant)
        rows = Account.objects.bulk_create(
            Account(
                tenant=world.tenant, external_id=name, name=name, team=team, customer_since=date(2024, 1, 1),
                segment="enterprise" if name[0] == "c" else "smb",
            )
            for name in NAMES
        )  # fmt: skip
        accounts = {row.external_id: row for row in rows}
        Outcome.objects.bulk_create(
            Outcome(
                tenant=world.tenant, account=accounts[name], external_id=f"o-{name}", kind="churned",
                effective_at=noon(day),
            )
            for name, day in LEFT.items()
        )  # fmt: skip
        model = registry.register(
            world.tenant, document=to_document(by_hand()), kind="additive", as_of=date(2025, 12, 1), report=report,
            by=SYSTEM,
        )  # fmt: skip
        registry.promote(world.tenant, model_id=model.pk, by=SYSTEM, why="a test's own model")
        for day in DAYS:
            _score(world, accounts, model, day, days_after=15 if day in late else 14)
        ScoreRun.objects.create(
            tenant=world.tenant, as_of=KNOWN, policy_versions={}, fingerprint="x", created_at=noon(KNOWN)
        )
    return accounts


def _score(world, accounts, model, day, *, days_after):
    run = ScoreRun.objects.create(
        tenant=world.tenant, as_of=day, policy_versions={}, fingerprint="x",
        created_at=noon(day + timedelta(days=days_after)),
    )  # fmt: skip
    lines = [
        (world.tenant.pk, account.pk, day, run.pk, noon(day), model.pk, *CHANCES[name[0]])
        for name, account in accounts.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [day])
        cursor.executemany(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, recorded_at, model_id, p30,"
            " p60, p90, p90_low, p90_high, logit_base, logit_parts, health, band, coverage_pct, reasons, policy_id,"
            " policy_version, dimensions, indicators, model_version)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 0, 1, 0, '{}', 50, 'watch', 90, '[]', 1, 'all v1', '{}',"
            " '[]', 'churn v1')",
            lines,
        )


def override(world, account, *, role="csm", health=20, model_health=60, day=date(2026, 1, 10)):
    """One that has ended."""
    person = world.people[role]
    with world.here():
        return Override.objects.create(
            tenant=world.tenant, account=account, health=health, model_health=model_health, reason="know_more",
            note="x", until=day, author=person.user, author_label=str(person.user), created_at=noon(day),
            ended_at=noon(day),
        )  # fmt: skip
