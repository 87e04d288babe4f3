"""J19: usage has not come for 20 days; three customers have escalations that would open a play.

The policy weighs active users per seat and open escalations by half each. Kite sends no usage at all: what waits on it
is not overtaken when usage is back.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account, Subscription, Ticket, UsageDay
from audit.models import AuditEvent
from playbooks.models import Recommendation
from scoring.automation.models import PausedAutomation
from tests.browser.scenes.ground import World, a_world, again, ago, partition, score, today, weigh
from tests.scoring.evidence import add

SLUG = "feeds"
POLICY = {
    "usage.active_users_per_seat": (50, [0.0, 1.0], [0.0, 100.0]),
    "satisfaction.open_escalations": (50, [0.0, 3.0], [100.0, 0.0]),
}
SILENT = 20  # days without usage
TRACKED, CALM = ("Tern Airways", "Wren Optics", "Lark Foods"), "Lark Foods"
UNTRACKED = "Kite Freight"
USERS, SEATS = 30, 50


def build() -> dict[str, Any]:
    world = a_world(SLUG)
    weigh(world, POLICY)
    with world.here():
        accounts = {name: world.add_account(name, external_id=name) for name in (*TRACKED, UNTRACKED)}
    for name, account in accounts.items():
        terms = {"arr": Decimal(60_000), "currency": "USD", "seats": SEATS, "product": "Core"}
        add(world, account, Subscription, started_at=ago(300), renewal_date=today() + timedelta(200), **terms)
        for days in (100, 30):
            add(
                world,
                account,
                Ticket,
                opened_at=ago(days),
                first_response_at=ago(days),
                closed_at=ago(days - 1),
            )
        if name in TRACKED:
            _usage(world, account, first=120, last=SILENT)
    score(world, today() - timedelta(SILENT - 1))
    for name, account in accounts.items():
        for days in (1, 3) if name != CALM else ():
            add(world, account, Ticket, opened_at=ago(days), escalated_at=ago(days, hour=10))
    return {name: account.pk for name, account in accounts.items()}


def _usage(world: World, account: Any, *, first: int, last: int) -> None:
    days = [today() - timedelta(back) for back in range(first, last - 1, -1)]
    with world.here():
        for month in {day.replace(day=1) for day in days}:
            partition("accounts_usage_day", month)
        UsageDay.objects.bulk_create(
            UsageDay(
                tenant=world.tenant, account=account, day=day, active_users=USERS, source="test", recorded_at=ago(0)
            )
            for day in days
        )  # fmt: skip


def missing_usage() -> list[tuple[str, str, int]]:
    """The lines of usage_daily.csv that did not come: account, day, active users."""
    days = [today() - timedelta(back) for back in range(SILENT - 1, 0, -1)]
    return [(name, str(day), USERS) for name in TRACKED for day in days]


def standing() -> dict[str, Any]:
    """What waits, and how often a play was suggested on each account, by name."""
    world = again(SLUG)
    with world.here():
        waits = PausedAutomation.objects.for_tenant(world.tenant).filter(ended_at=None)
        told = AuditEvent.objects.filter(tenant=world.tenant, verb="playbooks.recommended")
        names = dict(Account.objects.for_tenant(world.tenant).values_list("pk", "name"))
        open_now = Recommendation.objects.for_tenant(world.tenant).filter(state__in=Recommendation.OPEN)
        ended = PausedAutomation.objects.for_tenant(world.tenant).exclude(ended_at=None)
        return {
            "waiting": sorted(waits.values_list("account__name", flat=True)),
            "recommended": sorted(names[each] for each in told.values_list("account_id", flat=True)),
            "open": sorted(open_now.values_list("account__name", flat=True)),
            "ended": sorted(ended.values_list("account__name", "ended")),
        }
