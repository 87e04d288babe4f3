"""Evidence rows for tests, made by the ORM: only what a test cares about is given."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from django.utils import timezone

from accounts import models
from tests.worlds import MAKER

DAY = date(2026, 10, 1)  # the day that tests score
_number = count(1)


def ago(days, hours=0):
    """A moment so many days and hours before DAY 00:00 UTC; negative: after it began."""
    return datetime(2026, 10, 1, tzinfo=UTC) - timedelta(days=days, hours=hours)


def add(world, account, table, **values):
    """One evidence row of the account."""
    with world.here():
        return table.objects.create(
            tenant=world.tenant, account=account, external_id=f"{table.__name__}-{next(_number)}", **values
        )


def add_usage(world, account, *, first, last, **metrics):
    """A row for each day from `first` to `last` days before DAY, all with the same metrics."""
    from django.db import connection

    extra = metrics.pop("extra", {})
    with world.here():
        months = {(DAY - timedelta(days=each)).replace(day=1) for each in range(last, first + 1)}
        with connection.cursor() as cursor:
            for month in months:
                cursor.execute("SELECT ensure_partition('accounts_usage_day', %s)", [month])
        models.UsageDay.objects.bulk_create(
            models.UsageDay(
                tenant=world.tenant,
                account=account,
                day=DAY - timedelta(days=each),
                extra=extra,
                source="test",
                recorded_at=timezone.now(),
                **metrics,
            )
            for each in range(last, first + 1)
        )


def subscribe(world, account, *, arr="12000", currency="USD", seats=100, renewal=date(2027, 3, 1), **values):
    started_at = values.pop("started_at", ago(200))
    return add(
        world,
        account,
        models.Subscription,
        arr=Decimal(arr),
        currency=currency,
        seats=seats,
        started_at=started_at,
        renewal_date=renewal,
        **values,
    )


def contact(world, account, role="", **values):
    return add(world, account, models.Contact, role=role, **values)


def rich(world, name="Halden Logistics", *, usage=True, **values):
    """An account with a little of everything, so that its coverage is high; of usage only if wanted."""
    account = world.add_account(name, **values)
    subscribe(world, account)
    if usage:
        add_usage(world, account, first=100, last=1, active_users=40, core_events=400, features_used=6)
    person = contact(world, account, "champion", joined_at=ago(300))
    for days in (10, 40, 70):
        met = {"occurred_at": ago(days), "contact_external_ids": [person.external_id]}
        add(world, account, models.Activity, kind="meeting", **met)
    add(
        world,
        account,
        models.Invoice,
        issued_at=ago(60),
        due_at=ago(30),
        paid_at=ago(31),
        amount=1000,
        currency="USD",
    )
    add(
        world,
        account,
        models.Invoice,
        issued_at=ago(90),
        due_at=ago(60),
        paid_at=ago(61),
        amount=1000,
        currency="USD",
    )
    add(world, account, models.Survey, kind="nps", score=9, responded_at=ago(80))
    add(
        world,
        account,
        models.Ticket,
        opened_at=ago(100),
        first_response_at=ago(100),
        closed_at=ago(99),
        csat=5,
    )
    add(
        world, account, models.Ticket, opened_at=ago(20), first_response_at=ago(20), closed_at=ago(19), csat=4
    )
    return account


def score(world, day=DAY):
    from scoring import pipeline

    return pipeline.score_day(world.tenant, as_of=day, by=MAKER)
