"""J23: 44 customers over the last full quarter, with renewals, growth, losses, two currencies and chances.

Numbers come from a seeded generator; the test works everything out anew from the rows as they are stored.
"""

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account, FxRate, Outcome, Subscription, Survey
from scoring import services
from tests.browser.scenes.ground import World, a_world, default_team, score, today, weigh
from tests.scoring.models_by_hand import by_hand, curve, register

SLUG = "books"
OLD, NEW, LONG, LEAVING = 40, 4, 3, 3  # customers of the first day, later ones; of the old: not due, leaving
SEGMENTS = ("enterprise", "mid_market", "smb")


def quarter() -> tuple[date, date]:
    """First day of the last full quarter, and the day after its last."""
    first = today().replace(day=1)
    end = first.replace(month=(first.month - 1) // 3 * 3 + 1)
    return (end - timedelta(85)).replace(day=1), end


def at(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def build() -> dict[str, Any]:
    world, dice = a_world(SLUG), random.Random(23)
    weigh(world, {"satisfaction.nps_latest": (100, [0, 10], [0, 100])})
    start, end = quarter()
    with world.here():
        for day, rate in ((start - timedelta(400), "1.0700"), (start + timedelta(20), "1.1300")):
            FxRate.objects.create(tenant=world.tenant, currency="EUR", day=day, rate=Decimal(rate))
        accounts = _customers(world, start, dice)
        terms = [
            term for number, each in enumerate(accounts) for term in _terms(world, number, each, start, dice)
        ]
        Subscription.objects.bulk_create(terms)
        Outcome.objects.bulk_create(_leavers(world, accounts, start))
        Survey.objects.bulk_create(_answers(world, accounts, start, dice))
    model = by_hand(curve("satisfaction.nps_latest", [0, 10], [2, -1], missing=0.2), base=-3.4)
    register(world, model, as_of=today() - timedelta(20))
    score(world, today())
    _override(world, accounts[-1])
    return {"start": start, "end": end}


def _customers(world: World, start: date, dice: random.Random) -> list[Account]:
    team = default_team(world.tenant)
    return Account.objects.bulk_create(
        Account(
            tenant=world.tenant, external_id=f"B-{number:02}", name=f"Customer {number:02}", team=team,
            segment=dice.choice(SEGMENTS),
            customer_since=start - timedelta(500) if number < OLD else start + timedelta(10 + number - OLD),
        )
        for number in range(OLD + NEW)
    )  # fmt: skip


def _terms(
    world: World, number: int, account: Account, start: date, dice: random.Random
) -> list[Subscription]:
    """An old customer's term comes due in the quarter and is followed by another one, unless it is long, or leaves."""
    arr, currency = Decimal(dice.randint(8, 240) * 500), dice.choice(("USD", "USD", "EUR"))
    due = start + timedelta(5 + number)

    def term(key: str, amount: Decimal, since: date, until: date) -> Subscription:
        return Subscription(
            tenant=world.tenant, account=account, external_id=f"{account.external_id}-{key}", product="Core",
            arr=amount, currency=currency, started_at=at(since), renewal_date=until,
        )  # fmt: skip

    if number >= OLD:
        return [term("new", arr, account.customer_since, start + timedelta(400))]
    if number < LONG:
        return [term("long", arr, start - timedelta(200), start + timedelta(300))]
    first = term("one", arr, due - timedelta(365), due)
    if number < LONG + LEAVING:
        return [first]
    share = dice.choice((Decimal("0.8"), Decimal(1), Decimal(1), Decimal("1.25")))
    return [first, term("two", arr * share, due, due + timedelta(365))]


def _leavers(world: World, accounts: list[Account], start: date) -> list[Outcome]:
    return [
        Outcome(
            tenant=world.tenant, account=accounts[number], external_id=f"O-{number}", kind="churned",
            effective_at=at(start + timedelta(5 + number)),
        )
        for number in range(LONG, LONG + LEAVING)
    ]  # fmt: skip


def _answers(world: World, accounts: list[Account], start: date, dice: random.Random) -> list[Survey]:
    """All but four answered in the quarter, some twice: the later answer counts."""
    return [
        Survey(
            tenant=world.tenant, account=account, external_id=f"N-{number}-{turn}", kind="nps",
            score=dice.randint(0, 10), contact_external_id=f"P-{number}", responded_at=at(start + timedelta(2 + turn)),
        )
        for number, account in enumerate(accounts[4:])
        for turn in range(2 if number % 5 == 0 else 1)
    ]  # fmt: skip


def _override(world: World, account: Account) -> None:
    """Somebody says critical of one account: its ARR is at risk now."""
    with world.here():
        services.set_override(
            world.tenant, account_id=account.pk, band="critical", until=today() + timedelta(20), reason="know_more",
            note="Their sponsor told us.", by=world.actor("manager"),
        )  # fmt: skip
