"""J18: version 1 is in force, version 2 is a candidate in the shadow that has been watched for 25 days, then for 190.

On each of two days 25 apart it said 84 % of 50 customers and 10 % of 50 others. 42 and 5 of them left within 90 days,
all on the 45th day after the first: while only the first 25 days are known no window is over. The scorings between,
one a week, say nothing of anybody: they are time that was watched. When the version is promoted, the second day is
scored again, without any evidence. What was kept of its training is the second day itself, so that nothing drifts.
"""

from datetime import date, timedelta
from typing import Any

from accounts.models import Account, Outcome
from scoring.learning import landmarks, registry, samples
from scoring.models import ChurnModel
from tests.browser.scenes.ground import a_world, again, ago, today
from tests.scoring.automation import made

SLUG = "candidates"
GROUPS = ((50, 0.84, 42), (50, 0.10, 5))  # customers, what was said, how many left
FIRST, SECOND, LEFT, LAST = 200, 175, 155, 10  # days before today


def day(back: int) -> date:
    return today() - timedelta(back)


def build() -> dict[str, Any]:
    world = a_world(SLUG)
    standing = made.version(world, state="advisory", as_of=day(400))
    candidate = made.version(world, state="shadow", as_of=day(210))
    accounts = made.customers(world, sum(count for count, _, _ in GROUPS))
    said = [p for count, p, _ in GROUPS for _ in range(count)]
    for back in (FIRST, SECOND):
        made.scored(world, candidate, day=day(back), accounts=accounts, p=said, is_shadow=True)
    made.watched_weekly(world, candidate, first=day(FIRST), last=day(SECOND), is_shadow=True)
    stack = landmarks.read(world.tenant, day=day(SECOND))
    with world.here():
        samples.keep(world.tenant, candidate, registry.load_model(candidate), stack)
    return {"standing": standing.pk, "candidate": candidate.pk}


def months_later(candidate: int) -> dict[str, Any]:
    """The leavings became known, and it was scored again: now by the candidate, which is shown."""
    world = again(SLUG)
    with world.here():
        model = ChurnModel.objects.get(pk=candidate)
        accounts = list(Account.objects.for_tenant(world.tenant).order_by("pk"))
    first, stayed = 0, []
    for count, _, left in GROUPS:
        made.all_leave(world, accounts[first : first + left], day(LEFT))
        stayed += accounts[first + left : first + count]
        first += count
    with world.here():
        Outcome.objects.create(
            tenant=world.tenant, account=stayed[0], external_id="O-renewed", kind="renewed", effective_at=ago(LAST + 1)
        )  # fmt: skip
    made.watched_weekly(world, model, first=day(SECOND), last=day(LAST))
    made.scored(world, model, day=day(LAST), accounts=stayed, p=0.1)
    return {"as_of": day(LAST)}
