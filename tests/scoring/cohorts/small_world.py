"""60 customers followed from 1 January 2026 to 1 October: 24 on "pro" of whom six leave, 24 on "basic" of whom
twelve leave, 12 on "odd", too few to be told of. Every figure can be worked out by hand.

Leavings are recorded from 1 January on (an outcome of that day); evidence begins so long before that nothing else
bounds the span. Of pro one leaves every 30 days from 31 January on (day 30, 60, … 180 after the start), of basic two.
"""

from datetime import UTC, date, datetime, timedelta

from accounts.models import Account, Outcome, Ticket
from scoring.models import ScoreRun
from tenants.queries import default_team

START, UNTIL = date(2026, 1, 1), date(2026, 10, 1)
SIZES = {"pro": 24, "basic": 24, "odd": 12}
LEAVES_EACH = {"pro": 1, "basic": 2, "odd": 0}
MONTHS = 6


def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def build(world, *, leavers=True, regions=None):
    """The accounts by name. `regions`: of each account by its name, else none."""
    with world.here():
        team = default_team(world.tenant)
        names = [f"{plan}{n}" for plan, many in SIZES.items() for n in range(many)]
        made = Account.objects.bulk_create(
            Account(
                tenant=world.tenant, external_id=name, name=name, team=team, customer_since=date(2024, 6, 1),
                plan=name.rstrip("0123456789"), region=(regions or {}).get(name, ""), segment="smb",
                industry="retail" if int(name.lstrip("abcdioprs")) % 2 else "energy",
            )
            for name in names
        )  # fmt: skip
        accounts = {row.external_id: row for row in made}
        first = accounts["odd0"]
        Ticket.objects.create(
            tenant=world.tenant, account=first, external_id="t", opened_at=noon(date(2025, 1, 1)), subject="x"
        )
        Outcome.objects.create(
            tenant=world.tenant, account=first, external_id="o", kind="renewed", effective_at=noon(START)
        )
        Outcome.objects.create(
            tenant=world.tenant, account=first, external_id="last", kind="renewed",
            effective_at=noon(UNTIL - timedelta(days=1)),
        )  # fmt: skip
        if leavers:
            Outcome.objects.bulk_create(_leavings(world.tenant, accounts))
        ScoreRun.objects.create(tenant=world.tenant, as_of=UNTIL, policy_versions={}, fingerprint="x")
    return accounts


def _leavings(tenant, accounts):
    for plan, each in LEAVES_EACH.items():
        for n in range(each * MONTHS):
            # "by the end of day 30" is 30 days followed: the 29th day after the first
            day = START + timedelta(days=30 * (1 + n // each) - 1)
            yield Outcome(
                tenant=tenant, account=accounts[f"{plan}{n}"], external_id=f"{plan}{n}", kind="churned",
                effective_at=noon(day),
            )  # fmt: skip
