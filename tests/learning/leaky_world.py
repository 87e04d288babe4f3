"""A small tenant whose leavers left traces after the decision, and figures that read them: one for each kind of leak.

The kinds are those of good practice for churn: fields written after the decision, current state joined to the past,
totals that encode the length of the relation. Every figure goes through statements and formulas, as a new one would.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from accounts import models
from scoring.models import Override
from tests.worlds import MAKER

END, FIRST_LEFT = date(2026, 10, 1), date(2026, 1, 20)
ACCOUNTS, LEAVERS = 60, 24
_MINE = "WHERE t.tenant_id = a.tenant_id AND t.account_id = a.id"
# indicator that is read wrongly -> (column, SQL of a figure that knows too much)
PLANTED = {
    "business.price_change": (
        "reason", f"SELECT max((t.cancel_reason <> '')::int) FROM accounts_subscription t {_MINE}"
    ),
    "business.discount": ("closed", f"SELECT sum(t.amount) FROM accounts_opportunity t {_MINE} AND t.won = false"),
    "satisfaction.open_escalations": (
        "saved", f"SELECT count(*) FROM accounts_ticket t {_MINE} AND t.subject = 'Save play'"
    ),
    "business.seats_change": ("billed", f"SELECT count(*) FROM accounts_invoice t {_MINE}"),
    "business.room_to_grow": ("owner", "SELECT (a.owner_email = 'offboarding@acme.example')::int"),
    "business.contract_value": ("plan", "SELECT CASE a.plan WHEN 'basic' THEN 1 ELSE 2 END"),
    "satisfaction.backlog": ("colour", f"SELECT max(length(t.band)) FROM scoring_accounthealth t {_MINE}"),
    "satisfaction.escalations_90d": ("override", f"SELECT count(*) FROM scoring_override t {_MINE}"),
    "business.contract_length": (
        "spent", "SELECT (%(day)s::date - a.customer_since) * (1 + (a.id %% 3) / 10.0)"
    ),
}  # fmt: skip
ENCODES_TENURE = "business.contract_length"
STATEMENT = (
    "SELECT a.id AS account_id, 1 AS rows, "
    + ", ".join(f"({sql}) AS {column}" for column, sql in PLANTED.values())
    + " FROM accounts_account a WHERE a.tenant_id = %(tenant)s AND a.id BETWEEN %(first)s AND %(last)s"
)


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def build(world):
    """Customers of long standing with tickets and terms; of some it is told how they went."""
    rng = np.random.default_rng(4)
    with world.here():
        accounts = models.Account.objects.bulk_create(
            models.Account(
                tenant=world.tenant, external_id=f"ACC-{n:03}", name=f"Account {n}", segment="smb",
                customer_since=END - timedelta(days=int(rng.integers(500, 1500))),
                plan="basic" if n % 2 else "plus",
            )
            for n in range(ACCOUNTS)
        )  # fmt: skip
        for n, account in enumerate(accounts):
            _trade(world, account, rng)
            if n < LEAVERS:
                _leave(world, account, FIRST_LEFT + timedelta(days=n * 10))


def _row(world, account, table, number, **values):
    key = f"{table.__name__}-{account.external_id}-{number}"
    return table(tenant=world.tenant, account=account, external_id=key, **values)


def _trade(world, account, rng):
    starts = [END - timedelta(days=int(20 * step + rng.integers(0, 15))) for step in range(20)]
    models.Ticket.objects.bulk_create(
        _row(world, account, models.Ticket, n, opened_at=at(day), closed_at=at(day + timedelta(days=2)))
        for n, day in enumerate(starts)
    )
    models.Subscription.objects.bulk_create(
        [
            _row(
                world, account, models.Subscription, 0, arr=Decimal(1000), currency="USD", seats=10,
                started_at=at(date(2025, 6, 1)), renewal_date=date(2027, 6, 1),
            )
        ]
    )  # fmt: skip


def _leave(world, account, day):
    """It went on that day; all the traces are of that day or later."""
    models.Subscription.objects.filter(account=account).update(cancelled_at=at(day), cancel_reason="price")
    models.Account.objects.filter(pk=account.pk).update(
        owner_email="offboarding@acme.example", plan="basic", recorded_at=at(day)
    )
    rows = [
        _row(world, account, models.Ticket, "save", opened_at=at(day), subject="Save play"),
        _row(
            world, account, models.Invoice, "last", issued_at=at(day), due_at=at(day), amount=1, currency="USD"
        ),
        _row(
            world, account, models.Opportunity, "lost", name="Renewal", type="renewal", amount=1000, currency="USD",
            stage="lost", created_at=at(day), close_date=day, closed_at=at(day), won=False,
        ),
        _row(world, account, models.Outcome, "gone", kind="churned", effective_at=at(day)),
        Override(
            tenant=world.tenant, account=account, health=10, reason="know_more", note="Gone.",
            until=END, created_at=at(day), author_label=MAKER.label,
        ),
    ]  # fmt: skip
    for row in rows:
        row.save()
