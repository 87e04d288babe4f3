"""Customers that have clearly improved within 30 days: what playbooks on improvement begin with (docs/growth.md).

Like a level of risk, an improvement needs a margin or two scorings. It must be the customer's own: what a new policy,
another model, data that came or went, or a person's override moved is no improvement.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import Account
from audit import services as audit
from scoring import changes, queries
from scoring.growth.models import GrowthItem
from scoring.growth.words import SIMILAR
from scoring.model_queries import chance_settings
from scoring.why import change_queries
from tenants.access import SYSTEM
from tenants.models import Tenant

DAYS, TOLERANCE = 30, 7  # as delta_30: the newest scored day 30 to 37 days before
BEFORE = 14  # days that the scoring before the newest one may lie back
LEAST, CLEAR = 10, 15  # points: risen at two scorings running, or at one
LEVELS = ("low", "medium", "high", "critical")
HEALTH, CHANCE, SIGN = "improved.health", "improved.chance", "improved.sign"

CANDIDATES = """
SELECT h.account_id, h.band, base.as_of, base.health, h.health, prior.health - prior_base.health,
       base.p90, h.p90, base.risk_level, h.risk_level,
       h.model_id = base.model_id
       AND NOT EXISTS (SELECT 1 FROM unnest(h.chance_flags) AS flag WHERE flag NOT LIKE 'pooled:%%') AS is_same_model
  FROM scoring_accounthealth h
  JOIN scoring_health_snapshot base ON base.tenant_id = h.tenant_id AND base.account_id = h.account_id
                                   AND base.as_of = %(base_day)s AND base.run_id = %(base)s
  LEFT JOIN scoring_health_snapshot prior ON prior.tenant_id = h.tenant_id AND prior.account_id = h.account_id
                                         AND prior.as_of = %(prior_day)s AND prior.run_id = %(prior)s
  LEFT JOIN scoring_health_snapshot prior_base
         ON prior_base.tenant_id = h.tenant_id AND prior_base.account_id = h.account_id
        AND prior_base.as_of = %(prior_base_day)s AND prior_base.run_id = %(prior_base)s
 WHERE h.tenant_id = %(tenant)s AND h.as_of = %(day)s
   AND (h.override_health IS NULL OR h.override_until < %(day)s)
   AND (h.health - base.health >= %(least)s OR h.p90 < base.p90)
 ORDER BY h.account_id
"""


@dataclass(frozen=True)
class Improved:
    """One account that has improved: what, in figures, and how it reads."""

    account_id: int
    band: str
    pattern: str
    facts: dict[str, Any]
    product: str = ""


def renew(tenant: Tenant, as_of: date) -> int:
    """Replace the day's items and tell of new ones; how many accounts. Runs in the caller's transaction."""
    found = _found(tenant, as_of)
    signs = dict(
        GrowthItem.objects.for_tenant(tenant)
        .filter(kind=GrowthItem.Kind.EXPANSION, account_id__in={each.account_id for each in found})
        .exclude(pattern=SIMILAR)  # what others have is no sign of this customer's own
        .order_by("-pattern", "-product")
        .values_list("account_id", "product")
    )
    first = {each.account_id: each for each in reversed(found)}
    found += [
        Improved(account, first[account].band, SIGN, {"product": product}, product)
        for account, product in sorted(signs.items())
    ]
    _replace(tenant, as_of, found)
    return len(first)


def words(pattern: str, facts: dict[str, Any]) -> str:
    if pattern == HEALTH:
        rise = facts["to"] - facts["from"]
        return f"Health rose {rise:.0f} points since {_day(facts)}, from {facts['from']:.0f} to {facts['to']:.0f}"
    if pattern == CHANCE:
        fall = f"from {facts['from']:.0%} to {facts['to']:.0%} since {_day(facts)}"
        return f"Chance of leaving within 90 days fell {fall}"
    return f"Shows a sign that it may buy more{': ' if facts['product'] else ''}{facts['product']}"


def _day(facts: dict[str, Any]) -> str:
    day = date.fromisoformat(facts["since"])
    return f"{day.day} {day:%b %Y}"


def _found(tenant: Tenant, as_of: date) -> list[Improved]:
    runs = queries.effective_runs(
        tenant, since=as_of - timedelta(days=DAYS + TOLERANCE + BEFORE), until=as_of
    )
    base = _newest(runs, as_of - timedelta(days=DAYS), TOLERANCE)
    if base is None:
        return []
    prior = _newest(runs, as_of - timedelta(days=1), BEFORE - 1)
    prior_base = _newest(runs, prior.as_of - timedelta(days=DAYS), TOLERANCE) if prior else None
    values: dict[str, Any] = {"tenant": tenant.pk, "day": as_of, "least": LEAST}
    for name, run in (("base", base), ("prior", prior), ("prior_base", prior_base)):
        values |= {name: run.run_id if run else None, f"{name}_day": run.as_of if run else None}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, values)
        rows = cursor.fetchall()
    margin = chance_settings(tenant).margin
    risen = _own(tenant, runs, as_of, [row[0] for row in rows if _has_risen(row)])
    found = []
    for row in rows:
        account, band, since = row[:3]
        if account in risen:
            facts = {
                "from": float(row[3]),
                "to": float(row[4]),
                "own": risen[account] / 100,
                "since": str(since),
            }
            found.append(Improved(account, band, HEALTH, facts))
        if _has_fallen(row, margin):
            facts = {
                "from": float(row[6]),
                "to": float(row[7]),
                "levels": [row[8], row[9]],
                "since": str(since),
            }
            found.append(Improved(account, band, CHANCE, facts))
    return found


def _newest(runs: list[queries.Effective], last: date, days: int) -> queries.Effective | None:
    """`runs`: one a scored day, oldest first."""
    fitting = [run for run in runs if last - timedelta(days=days) <= run.as_of <= last]
    return fitting[-1] if fitting else None


def _has_risen(row: tuple[Any, ...]) -> bool:
    if row[3] is None or row[4] is None:
        return False
    rise = row[4] - row[3]
    return bool(rise >= CLEAR or (rise >= LEAST and row[5] is not None and row[5] >= LEAST))


def _has_fallen(row: tuple[Any, ...], margin: Decimal) -> bool:
    """The level that is routed by (it moved by a margin or by two scorings) is lower, with the same model."""
    was, now = row[8], row[9]
    if not row[10] or was not in LEVELS or now not in LEVELS:
        return False
    return LEVELS.index(now) < LEVELS.index(was) and row[6] - row[7] >= margin


def _own(
    tenant: Tenant, runs: list[queries.Effective], as_of: date, account_ids: list[int]
) -> dict[int, int]:
    """Hundredths of a point that each account's own values raised its health by; those under 10 points left out."""
    accounts = Account.objects.for_tenant(tenant).in_bulk(account_ids)
    found = {}
    for account_id in account_ids:
        pair = change_queries.pair(tenant, accounts[account_id], runs, (as_of - timedelta(days=DAYS), as_of))
        if pair.first is None or pair.last is None:
            continue
        first, last = (change_queries.health_day(each) for each in (pair.first, pair.last))
        change = changes.health_change(first, last, optional=change_queries.OPTIONAL)
        own = change.of(changes.VALUES) if change else 0
        if own >= LEAST * 100:
            found[account_id] = own
    return found


def _replace(tenant: Tenant, as_of: date, found: list[Improved]) -> None:
    rows = GrowthItem.objects.for_tenant(tenant).filter(kind=GrowthItem.Kind.IMPROVING)
    known = set(rows.values_list("account_id", "pattern"))
    rows.delete()
    GrowthItem.objects.bulk_create(
        (
            GrowthItem(
                tenant=tenant, kind=GrowthItem.Kind.IMPROVING, account_id=each.account_id, pattern=each.pattern,
                product=each.product, facts=each.facts,
            )
            for each in found
        ),
        batch_size=1000,
    )  # fmt: skip
    by_account: dict[int, list[Improved]] = {}
    for each in found:
        by_account.setdefault(each.account_id, []).append(each)
    for gains in by_account.values():
        if any((each.account_id, each.pattern) not in known for each in gains):
            _tell(tenant, as_of, gains)


def _tell(tenant: Tenant, as_of: date, gains: list[Improved]) -> None:
    told = [
        {
            "key": each.pattern, "dimension": "improved", "text": words(each.pattern, each.facts),
            "day": str(as_of), "score": None,
        }
        for each in gains
    ]  # fmt: skip
    account_id = gains[0].account_id
    audit.record(
        tenant, verb="scoring.improved", by=SYSTEM, object_type="accounts.account", object_id=str(account_id),
        object_label="", account_id=account_id,
        after={"band": gains[0].band, "as_of": str(as_of), "gains": told},
    )  # fmt: skip
