"""Versions, scored days and leavings as rows: what gates and drift are counted on, in milliseconds."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db import connection

from accounts.models import Account, Outcome
from scoring import model_queries, queries
from scoring.automation.limits import asked
from scoring.automation.models import ModelGate
from scoring.models import ScoreRun
from tests.scoring.models_by_hand import by_hand, curve, register

OVERDUE = "business.overdue_days"
DAY = date(2026, 10, 1)  # the newest scored day


def interval(value, *, n=400, events=40):
    return {"value": value, "low": value * 0.8, "high": value * 1.2, "n": n, "events": events}


def report(*, used=0.5, passed=True, leaks=()):
    """A back-test's report with what pages and gates read of it."""
    whole = {
        "auc": interval(0.8),
        "ece": interval(0.02),
        "slope": interval(1.0),
        "brier_skill": interval(0.1),
    }
    whole |= {"precision": interval(0.81), "recall": interval(0.42), "n": 400, "events": 40}
    gate = {"key": "leavers", "needed": "at least 20", "found": 40, "passed": passed}
    return {
        "horizons": {"90": {"threshold": used, "all": whole}},
        "thresholds": {"90": {"wanted": 0.8, "used": used, "reached": True}},
        "precisions": [
            {"wanted": 0.5, "reached": True, "threshold": 0.2, "precision": interval(0.52), "recall": interval(0.71)},
            {"wanted": 0.8, "reached": True, "threshold": used, "precision": interval(0.81), "recall": interval(0.42)},
            {"wanted": 0.95, "reached": False, "threshold": None, "precision": None, "recall": None},
        ],
        "gates": [gate | {"words": f"Accounts seen to leave: {40 if passed else 12}, at least 20 needed."}],
        "leaks": [{"key": "leak", "words": words, "refuses": True} for words in leaks],
        "landmarks": {"count": 12, "rows": 4000, "accounts": 400, "days": ["2025-06-01", "2026-05-01"]},
        "leavers": {"seen": 40, "needed": 20},
        "chosen_why": "No other candidate is shown to be better on the same rows.",
    }  # fmt: skip


def version(world, *, state="advisory", as_of=date(2026, 3, 1), **kept):
    """A version by hand in this state, with a report."""
    row = register(
        world,
        by_hand(curve(OVERDUE, [0, 50], [0, 2])),
        as_of=as_of,
        promote=state in ("advisory", "automatic"),
    )
    with world.here():
        row.report = report(**kept)
        row.state = state
        row.save(update_fields=["report", "state"])
    return row


def scored(
    world, model, *, day, accounts=(), p=0.1, is_shadow=False, late=(), sources=None, on=None, timing=None
):
    """A finished run of that day; `p`: the chance within 90 days of each account, or one for all.

    `on`: the day on which it ran, if not on that day itself. `timing`: the contract's part of the log-odds, if kept.
    """
    told = {"model": "" if is_shadow else str(model), "shadows": [model.pk] if is_shadow else [], "flags": []}
    summary = {"chances": told, "sources": sources or source_states(late=late, day=day), "coverage": {}}
    with world.here():
        run = ScoreRun.objects.create(
            tenant=world.tenant,
            as_of=day,
            policy_versions={},
            fingerprint="f",
            accounts=len(accounts),
            summary=summary,
            created_at=datetime.combine(on or day, time(5), UTC),
        )
        table = "scoring_shadow_score" if is_shadow else "scoring_health_snapshot"
        chances = p if isinstance(p, list | tuple) else [p] * len(accounts)
        with connection.cursor() as cursor:
            cursor.execute("SELECT ensure_partition(%s, %s)", [table, day.replace(day=1)])
            rows = [
                _row(table, world, model, run, account, p90, timing)
                for account, p90 in zip(accounts, chances, strict=True)
            ]
            if rows:
                one = f"({', '.join(['%s'] * len(rows[0]))})"
                cursor.execute(
                    f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {', '.join([one] * len(rows))}",
                    [value for row in rows for value in row.values()],
                )
    return run


def watched_weekly(world, model, *, first, last, is_shadow=False):
    """A run a week from `first` to `last`, neither included, that says nothing of anybody."""
    for days in range(7, (last - first).days, 7):
        scored(world, model, day=first + timedelta(days=days), is_shadow=is_shadow)


def _row(table, world, model, run, account, p90, timing):
    p = [round(1 - (1 - p90) ** (1 / 3), 6), round(1 - (1 - p90) ** (2 / 3), 6), p90]
    columns = {
        "tenant_id": world.tenant.pk, "account_id": account.pk, "as_of": run.as_of, "run_id": run.pk,
        "model_id": model.pk, "p30": p[0], "p60": p[1], "p90": p[2],
    }  # fmt: skip
    if table == "scoring_health_snapshot":
        columns |= {
            "band": "unknown", "coverage_pct": 0, "dimensions": "{}", "indicators": "[]", "reasons": "[]",
            "policy_id": 1, "policy_version": "", "p90_low": p[2], "p90_high": p[2], "logit_base": 0,
            "logit_parts": [] if timing is None else [math.log(p90 / (1 - p90)) - timing, timing],
            "model_version": str(model), "leaves": [], "risk_level": "low",
        }  # fmt: skip
    return columns


def source_states(*, late=(), day=DAY, accounts=40):
    from scoring.catalogue import SOURCES

    newest = str(day - timedelta(days=1))
    return {key: {"accounts": accounts, "latest": newest, "late": key in late} for key in SOURCES}


def checked(world, model, *, failing=(), words=""):
    """The gates of the newest scoring as the nightly check leaves them, all met but these."""
    with world.here():
        run = queries.newest_run(world.tenant)
        ModelGate.objects.for_tenant(world.tenant).filter(model=model, as_of=run.as_of).delete()
        kept = asked(model_queries.chance_settings(world.tenant), run_id=run.pk)
        ModelGate.objects.bulk_create(
            ModelGate(
                tenant=world.tenant, model=model, as_of=run.as_of, place=at, key=key, passed=key not in failing,
                words=words or f"{key}: as needed.", details=details,
            )
            for at, (key, details) in enumerate(kept.items())
        )  # fmt: skip


def leaves(world, account, day):
    all_leave(world, [account], day)


def all_leave(world, accounts, day):
    with world.here():
        Outcome.objects.bulk_create(
            Outcome(
                tenant=world.tenant, account=account, external_id=f"O-{account.pk}", kind="churned",
                effective_at=datetime.combine(day, datetime.min.time(), UTC),
            )
            for account in accounts
        )  # fmt: skip


def customers(world, count):
    """Accounts in one statement, without the grants of a person: for figures of the whole workspace."""
    with world.here():
        return Account.objects.bulk_create(
            Account(
                tenant=world.tenant, name=f"Customer {number}", external_id=f"C-{number}",
                customer_since=date(2024, 1, 1),
            )
            for number in range(count)
        )  # fmt: skip


def standing(world, account, *, p90, day=DAY):
    """Where the account stands now, with this chance."""
    from scoring.models import AccountHealth

    with world.here():
        return AccountHealth.objects.create(
            tenant=world.tenant, account=account, as_of=day, health=Decimal(50), band="watch", coverage_pct=100,
            reasons=[], dimensions={}, run_id=1, policy_version="", p90=Decimal(str(p90)), risk_level="low",
        )  # fmt: skip
