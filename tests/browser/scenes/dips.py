"""J2 and J4: Corvane Textiles stands 12 points lower than 30 days ago, Brask Forge is critical.

The policy weighs days overdue (40; 100 - days), the latest NPS answer (30; 8 points each) and meetings (30; 20 points
each). Nobody has met anybody for 35 days, so that mails, calls and meetings are late today for all customers.

| Corvane | 30 days ago | today | moves health by |
| --- | --- | --- | --- |
| overdue | 16 days, 84 points | 25 days, 75 points | .4 x -9 = -3.6 |
| NPS | 6, 48 points | 5, 40 points | .3 x -8 = -2.4 |
| meetings | 4, 80 points | late | mean 66 to (40 x 75 + 30 x 40) / 70 = 60: -6 |
| health | 33.6 + 14.4 + 24 = 72 | 60 | -12 |

Brask's usage fell by 40 %. Brask today: 60 days overdue and an NPS of 3: (40 x 40 + 30 x 24) / 70 = 33.14.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import Activity, Invoice, Subscription, Survey, UsageDay
from scoring.models import AccountHealth, Override
from tests.browser.scenes.ground import World, a_world, again, ago, score, today, weigh
from tests.scoring.evidence import add
from tests.scoring.models_by_hand import by_hand, curve, register

SLUG = "dips"
POLICY = {
    "business.overdue_days": (40, [0, 100], [100, 0]),
    "satisfaction.nps_latest": (30, [0, 10], [0, 80]),
    "engagement.meetings_90d": (30, [0, 5], [0, 100]),
}


def build() -> dict[str, Any]:
    world = a_world(SLUG)
    weigh(world, POLICY, unweighed=("usage.trend_30d",))
    with world.here():
        corvane, brask = world.add_account("Corvane Textiles"), world.add_account("Brask Forge")
    for account in (corvane, brask):
        terms = {"arr": Decimal(120_000), "currency": "USD", "seats": 50, "product": "Core"}
        add(world, account, Subscription, started_at=ago(300), renewal_date=today() + timedelta(65), **terms)
    _invoice(world, corvane, due=46, paid=20)
    _invoice(world, corvane, due=25)
    _invoice(world, brask, due=60)
    _usage(world, brask)
    for account, days, said in ((corvane, 60, 6), (corvane, 10, 5), (brask, 60, 3)):
        add(world, account, Survey, kind="nps", score=said, responded_at=ago(days))
    for account in (corvane, brask):
        for days in (35, 42, 70, 100):
            add(world, account, Activity, kind="meeting", subject="Review", occurred_at=ago(days))
    model = by_hand(
        curve("business.overdue_days", [0, 100], [0, 4]),
        curve("engagement.meetings_90d", [0, 5], [1, -1], missing=0.3),
        curve("usage.trend_30d", [-0.5, 0, 0.5], [1, 0, -1]),  # of Corvane nothing is known
        base=-3.0,
    )
    register(world, model, as_of=today() - timedelta(60))
    score(world, today() - timedelta(30))
    score(world, today())
    return {"corvane": corvane.pk, "brask": brask.pk, "today": today(), "before": today() - timedelta(30)}


def _invoice(world: World, account: Any, *, due: int, paid: int | None = None) -> None:
    values = {"amount": Decimal(10_000), "currency": "USD", "paid_at": None if paid is None else ago(paid)}
    add(world, account, Invoice, issued_at=ago(due + 30), due_at=ago(due), **values)


def _usage(world: World, account: Any) -> None:
    """40 core events a day until 31 days ago and 24 since. The policy does not weigh it, the model reads it."""
    with world.here():
        days = [today() - timedelta(each) for each in range(1, 171)]
        with connection.cursor() as cursor:
            for month in {day.replace(day=1) for day in days}:
                cursor.execute("SELECT ensure_partition('accounts_usage_day', %s)", [month])
        UsageDay.objects.bulk_create(
            UsageDay(
                tenant=world.tenant, account=account, day=day, source="test", recorded_at=ago(0),
                core_events=24 if day >= today() - timedelta(30) else 40,
            )
            for day in days
        )  # fmt: skip


def worse_news(account: int) -> None:
    """A lower NPS answer: the next scoring is another one. (40 x 40 + 30 x 16) / 70 = 29.71."""
    from accounts.models import Account

    world = again(SLUG)
    with world.here():
        found = Account.objects.get(pk=account)
    add(world, found, Survey, kind="nps", score=2, responded_at=ago(1))


def a_month_passes(account: int) -> None:
    """The override of the account as it will stand on its 31st day: set 31 days ago, its last day was yesterday."""
    world, gone = again(SLUG), timedelta(31)
    with world.here():
        row = Override.objects.get(account_id=account, ended_at=None)
        assert row.until == today() + timedelta(30), row.until
        Override.objects.filter(pk=row.pk).update(until=row.until - gone, created_at=row.created_at - gone)
        AccountHealth.objects.filter(account_id=account).update(override_until=row.until - gone)
