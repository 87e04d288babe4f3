"""Short ways to the rows that tests of plays begin with."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from playbooks import services
from playbooks.models import Playbook, Recommendation

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
_numbers = count(1)


def low(
    key="usage.trend_30d", score=12.0, text="Usage down 44% against the 60 days before", day="2026-11-19"
):
    return {"key": key, "dimension": key.split(".")[0], "score": score, "text": text, "day": day}


def signal(account, *lows, health="38.00", band="critical"):
    return services.Signal(
        account_id=account.pk,
        health=Decimal(health) if health is not None else None,
        band=band,
        low=list(lows) or [low()],
        key=[1, 1, next(_numbers)],
    )


def suggest(world, account, *lows, now=NOW, **how):
    """The account's open suggestion after one signal, or None."""
    services.suggest(world.tenant, signals=[signal(account, *lows, **how)], now=now)
    return open_of(world, account)


def open_of(world, account):
    return (
        Recommendation.objects.for_tenant(world.tenant)
        .filter(account=account, state__in=Recommendation.OPEN)
        .select_related("playbook", "account")
        .first()
    )


def playbook(world, key="usage_recovery"):
    return Playbook.objects.for_tenant(world.tenant).get(key=key)


def health_row(
    world, account, *, health="38.00", band="critical", arr="120000", renewal=date(2027, 2, 14), **values
):
    """Where the account stands, as the scoring projection holds it."""
    from scoring.models import AccountHealth

    row, _ = AccountHealth.objects.for_tenant(world.tenant).update_or_create(
        tenant=world.tenant,
        account=account,
        defaults={
            "as_of": date(2026, 11, 19),
            "health": None if health is None else Decimal(health),
            "band": band,
            "coverage_pct": Decimal(90),
            "reasons": [],
            "dimensions": {},
            "arr": None if arr is None else Decimal(arr),
            "currency": "USD",
            "renewal_date": renewal,
            "run_id": 1,
            "policy_version": "1",
            **values,
        },
    )
    return row


def verbs(world, account):
    """What the log says of the account, oldest first."""
    from audit.models import AuditEvent

    return list(
        AuditEvent.objects.filter(tenant=world.tenant, account_id=account.pk)
        .order_by("xid", "id")
        .values_list("verb", flat=True)
    )


def last_event(world, verb):
    from audit.models import AuditEvent

    return AuditEvent.objects.filter(tenant=world.tenant, verb=verb).order_by("-xid", "-id").first()


def running_play(world, account, *lows, now=NOW, role="csm"):
    """A started play on the account, from its suggestion."""
    row = suggest(world, account, *lows, now=now)
    play = services.accept(
        world.tenant, recommendation_id=row.pk, version=row.version, by=world.actor(role), now=now
    )
    return services.start_play(world.tenant, play_id=play.pk, now=now)


def steps(world, play):
    from playbooks.models import PlayStep

    return list(PlayStep.objects.for_tenant(world.tenant).filter(play=play).order_by("position"))


def concession_step(world, play):
    return next(step for step in steps(world, play) if step.kind == "concession")


def ask(world, step, *, role="csm", version=None, why="They lost two weeks of work.", now=NOW, **proposal):
    return services.ask_concession(
        world.tenant,
        step_id=step.pk,
        version=step.version if version is None else version,
        proposal={
            "discount_pct": "10",
            "months": 6,
            "text": "Against a plan to use the seats again",
            **proposal,
        },
        why=why,
        by=world.actor(role),
        now=now,
    )


def request_of(world, step):
    from approvals.models import ApprovalRequest

    return ApprovalRequest.objects.for_tenant(world.tenant).get(ref=step.approval_ref)


def answer(world, step, verdict, *, role="manager", comment="As discussed."):
    from approvals.services import decide

    request = request_of(world, step)
    decide(
        world.tenant,
        ref=request.ref,
        verdict=verdict,
        comment=comment,
        digest=request.digest,
        by=world.actor(role),
    )
    step.refresh_from_db()
    return step
