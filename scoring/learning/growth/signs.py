"""Who may buy more: patterns of the tenant's own past, how often each was followed by a purchase within 90 days.

Source: SCORING.md h; hit rates shrunken by the beta-binomial (engine.validation.hit_rates). What is a case was set
before any rate was looked at: every account that shows the pattern on one of eight past days, 90 days apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.db import connection

from audit import services as audit
from scoring.engine.validation import hit_rates
from scoring.engine.validation.intervals import beta
from scoring.growth import sign_statements
from scoring.growth.leads import tell_executives
from scoring.growth.models import GrowthItem
from scoring.growth.words import (
    COMMON,
    FASTER,
    FULL,
    GROWING,
    KNOWN_DAYS,
    LEAST,
    LEAST_SIMILAR,
    PATTERNS,
    SEATS,
    SIMILAR,
    TRIED,
)
from tenants.access import SYSTEM
from tenants.models import Tenant

WINDOW = timedelta(days=90)
LANDMARKS = 8  # two years
Kind = GrowthItem.Kind


@dataclass(frozen=True)
class Seen:
    """A pattern at an account on a day; `after` is how many days later it bought, None: not within 90."""

    day: date
    account_id: int
    pattern: str
    product: str
    after: int | None
    facts: dict[str, float]
    people: tuple[str, ...] = ()


def renew(tenant: Tenant, as_of: date) -> dict[str, Any]:
    """Replace the day's items; the hit rates. Runs in the caller's transaction."""
    days = [as_of - WINDOW * back for back in range(LANDMARKS + 1)]
    seen = [*_accounts(tenant, days), *_products(tenant, days), *_similar(tenant, days)]
    rates = rates_of(each for each in seen if each.day < as_of)
    _replace(tenant, as_of, [each for each in seen if each.day == as_of], rates)
    return rates


def _read(statement: str, tenant: Tenant, days: list[date]) -> list[Any]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": tenant.pk, "days": days, "least": LEAST_SIMILAR, "common": COMMON}
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _accounts(tenant: Tenant, days: list[date]) -> list[Seen]:
    found = []
    for row in _read(sign_statements.ACCOUNTS, tenant, days):
        day, account, product, seats, busiest, mean, before, known, known_before, after = row
        if seats and busiest is not None and busiest >= FULL * float(seats):
            facts = {"busiest": busiest, "seats": float(seats)}
            found.append(Seen(day, account, SEATS, product or "", after, facts))
        if min(known, known_before) >= KNOWN_DAYS and before and mean >= FASTER * before:
            found.append(Seen(day, account, GROWING, product or "", after, {"mean": mean, "before": before}))
    return found


def _products(tenant: Tenant, days: list[date]) -> list[Seen]:
    return [
        Seen(day, account, TRIED, product, after, {"uses": float(uses)}, tuple(people or ()))
        for day, account, product, people, uses, after in _read(sign_statements.PRODUCTS, tenant, days)
    ]


def _similar(tenant: Tenant, days: list[date]) -> list[Seen]:
    return [
        Seen(day, account, SIMILAR, product, after, {"share": share, "others": others, "is_narrow": narrow})
        for day, account, product, narrow, share, others, after in _read(
            sign_statements.SIMILAR, tenant, days
        )
    ]


def rates_of(past: Iterable[Seen]) -> dict[str, Any]:
    """{pattern: hits of cases, accounts, their rate, the shrunken one with its 80 % interval, median days to buying}.

    An account that shows a pattern on several days says much the same each time, so it counts once, with the share of
    its days that were followed: interval and least number rest on accounts (cluster means: Donner and Klar 2000, 6).
    """
    cases: dict[str, dict[int, list[int | None]]] = {pattern: {} for pattern in PATTERNS}
    for each in past:
        cases[each.pattern].setdefault(each.account_id, []).append(each.after)
    counts = {
        pattern: (sum(_followed(days) / len(days) for days in by_account.values()), len(by_account))
        for pattern, by_account in cases.items()
    }
    told = hit_rates(counts)
    return {
        pattern: _rate(list(cases[pattern].values()), told["groups"][pattern], told["prior"])
        for pattern in counts
    }


def _followed(days: list[int | None]) -> int:
    return sum(after is not None for after in days)


def _rate(
    by_account: list[list[int | None]], told: dict[str, Any], prior: dict[str, float]
) -> dict[str, Any]:
    """One pattern's figures; chance and interval only from LEAST accounts on."""
    waits = [after for days in by_account for after in days if after is not None]
    low, high = beta(told["hits"], told["cases"], a=prior["a"], b=prior["b"], level=0.8)
    enough = len(by_account) >= LEAST
    return {
        "hits": len(waits), "cases": sum(map(len, by_account)), "accounts": len(by_account), "rate": told["rate"],
        "chance": told["shrunken"] if enough else None,
        "low": low if enough else None, "high": high if enough else None,
        "days": median(waits) if waits else None,
    }  # fmt: skip


def _replace(tenant: Tenant, as_of: date, now: list[Seen], rates: dict[str, Any]) -> None:
    rows = GrowthItem.objects.for_tenant(tenant).filter(kind__in=[Kind.EXPANSION, Kind.LEAD])
    before = set(rows.filter(kind=Kind.LEAD).values_list(*KEY))
    rows.delete()
    items = [item for each in now for item in _items(tenant, as_of, each, rates[each.pattern])]
    GrowthItem.objects.bulk_create(items, batch_size=1000)
    fresh = [
        item
        for item in items
        if item.kind == Kind.LEAD and tuple(getattr(item, name) for name in KEY) not in before
    ]
    for item in fresh:
        _tell(tenant, item)
    tell_executives(tenant, fresh)


KEY = ("account_id", "pattern", "product", "contact_external_id")


def _items(tenant: Tenant, as_of: date, seen: Seen, rate: dict[str, Any]) -> list[GrowthItem]:
    """One for the account, and one for each person behind it, or for its team where nobody is known.

    What similar customers have is no lead: nobody at the account did anything.
    """
    values = {
        "tenant": tenant, "account_id": seen.account_id, "pattern": seen.pattern, "product": seen.product,
        "chance": rate["chance"], "low": rate["low"], "high": rate["high"], "hits": rate["hits"],
        "cases": rate["cases"], "accounts": rate["accounts"], "facts": seen.facts, "due": _month(as_of, rate),
    }  # fmt: skip
    people = () if seen.pattern == SIMILAR else seen.people or ("",)
    leads = [GrowthItem(kind=Kind.LEAD, contact_external_id=each, **values) for each in people]
    return [GrowthItem(kind=Kind.EXPANSION, **values), *leads]


def _month(as_of: date, rate: dict[str, Any]) -> date | None:
    """The month in which half of those who bought had bought; only where a chance is shown."""
    if rate["chance"] is None or rate["days"] is None:
        return None
    return (as_of + timedelta(days=round(rate["days"]))).replace(day=1)


def _tell(tenant: Tenant, item: GrowthItem) -> None:
    """A lead that was not there the night before. No person's name or id: events outlive erasure."""
    audit.record(
        tenant, verb="scoring.lead_found", by=SYSTEM, object_type="scoring.growthitem", object_id=str(item.pk),
        object_label=f"{item.pattern} {item.product}".strip(), account_id=item.account_id,
        after={"pattern": item.pattern, "product": item.product, "hits": item.hits, "cases": item.cases},
    )  # fmt: skip
