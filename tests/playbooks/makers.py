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
