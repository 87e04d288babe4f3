"""J16: five customers under a scorecard of two measures, and what another one of three would have said of them.

Scored every four weeks, eight times, yesterday last. Nothing changes meanwhile but that two leave. Points are
those of the curves: overdue 100 or 0, NPS ten times the answer, calls and meetings 20 each and 100 at most.

| | overdue | NPS | meetings | in force: 60 / 40 / 0 | draft: 20 / 30 / 50 |
| Aster, left | 100 | 50 | 0 | 60 + 20 = 80, Healthy | 20 + 15 + 0 = 35, At risk |
| Bryony, left | 0 | 50 | 0 | 0 + 20 = 20, Critical | 0 + 15 + 0 = 15, Critical |
| Clover | 0 | none | 100 | 0 of 60 known = 0, Critical | 0 + 30 x .5 + 50 = 65, Watch |
| Dahlia | 100 | 90 | 100 | 60 + 36 = 96, Healthy | 20 + 27 + 50 = 97, Healthy |
| Erica | 100 | none | 0 | 60 of 60 known = 100, Healthy | 20 + 30 x .5 + 0 = 35, At risk |

In force, a missing value is left out and its weight shared (bands from 40, 60, 75); the draft counts it as 50 points
(bands from 35, 65, 80, so that 35 and 65 are the first numbers of their bands).
"""

from datetime import UTC as utc
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account, Activity, Invoice, Outcome, Subscription, Survey
from tests.browser.scenes.ground import World, a_world, again, ago, score, today, weigh
from tests.scoring.evidence import add

SLUG = "cards"
SCORINGS, APART = 8, 28
OVERDUE, NPS, MEETINGS = "business.overdue_days", "satisfaction.nps_latest", "engagement.meetings_90d"
IN_FORCE = {OVERDUE: (60, [0, 100], [100, 0]), NPS: (40, [0, 10], [0, 100])}
# name: (CSM, ARR, has an invoice unpaid for over 100 days, NPS answer, meets every 14 days)
CUSTOMERS: dict[str, tuple[str, int, bool, int | None, bool]] = {
    "Aster": ("csm", 100_000, False, 5, False),
    "Bryony": ("csm", 50_000, True, 5, False),
    "Clover": ("csm", 80_000, True, None, True),
    "Dahlia": ("csm2", 30_000, False, 9, True),
    "Erica": ("csm2", 20_000, False, None, False),
}
LEFT = {"Aster": (4, 5), "Bryony": (3, 10)}  # the number of a scoring, and days after it


def days() -> list[date]:
    """The scored days, the first one first; the evidence of the last one ends the day before it."""
    return [today() - timedelta(1 + APART * back) for back in range(SCORINGS - 1, -1, -1)]


def build() -> dict[str, Any]:
    world = a_world(SLUG)
    weigh(world, IN_FORCE)
    first = (today() - days()[0]).days  # days ago
    accounts = {}
    for name, (owner, arr, owes, nps, meets) in CUSTOMERS.items():
        with world.here():
            account = accounts[name] = world.add_account(name, owner=owner)
        terms = {"arr": Decimal(arr), "currency": "USD", "seats": 50, "product": "Core"}
        add(world, account, Subscription, started_at=ago(600), renewal_date=today() + timedelta(200), **terms)
        _invoice(world, account, due=first + 110, is_paid=not owes)
        if nps is not None:
            add(world, account, Survey, kind="nps", score=nps, responded_at=ago(first + 20))
        for back in range(2, first + 90, 14) if meets else ():
            add(world, account, Activity, kind="meeting", subject="Review", occurred_at=ago(back))
    for back in range(2, first + 60, APART):  # or the source would be late for everybody
        _invoice(world, accounts["Dahlia"], due=back, is_paid=True)
    for name, (at, later) in LEFT.items():
        gone = datetime.combine(days()[at] + timedelta(later), time(12), utc)
        add(world, accounts[name], Outcome, kind="churned", effective_at=gone)
    for day in days():
        score(world, day)
    return {name: account.pk for name, account in accounts.items()} | {"days": days()}


def _invoice(world: World, account: Any, *, due: int, is_paid: bool) -> None:
    paid = {"paid_at": ago(due)} if is_paid else {}
    values = {"amount": Decimal(1_000), "currency": "USD", "issued_at": ago(due), "due_at": ago(due)}
    add(world, account, Invoice, **values, **paid)


def a_day_passes(account: int) -> None:
    """Somebody meets on the day that was scored last: what is scored now is the day after it."""
    world = again(SLUG)
    with world.here():
        found = Account.objects.get(pk=account)
    add(world, found, Activity, kind="meeting", subject="Review", occurred_at=ago(1))
