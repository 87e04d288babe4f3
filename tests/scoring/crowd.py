"""Many accounts scored on several days from arrays, written by the product's own code, and the stored parts read back.

Between the days everything changes that a score can change by: values move, come and go, policies of segments get other
weights, curves and another missing rule, the model is another one, people's overrides begin and end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import fsum

import numpy as np
from django.db import connection

from accounts.models import Account
from scoring import changes, model_queries, pipeline, queries, writing
from scoring.catalogue import INDICATORS, SOURCES
from scoring.chances import of_day, with_digest
from scoring.features.load import Features
from scoring.features.money import Money
from scoring.models import HealthPolicy, HealthSnapshot, Override, PolicyIndicator
from scoring.scored import Scored
from scoring.why import change_queries
from scoring.why.change_queries import Standing
from tests.scoring import models_by_hand
from tests.worlds import MAKER

DAYS = (date(2026, 8, 3), date(2026, 9, 7), date(2026, 10, 5))
SEGMENTS = ("enterprise", "mid_market", "smb")
READ = ("usage.trend_30d", "usage.breadth", "engagement.meetings_90d", "satisfaction.nps_latest",
        "business.overdue_days", "stakeholders.active_contacts", "account.tenure_days", "account.log_arr")  # fmt: skip
BLOCK = 500  # accounts read at a time


@dataclass(frozen=True)
class Sums:
    """How far stored parts are off, at most, and of how many accounts that was asked."""

    level: tuple[
        int, float, int
    ]  # chances, worst error of logit(p90), healths whose hundredths do not add up
    changes: tuple[int, float, float]  # pairs with a chance, worst error in log-odds, in points
    health: tuple[int, int]  # pairs with a health, those whose hundredths do not add up
    kinds: frozenset[str]  # what changes were put down to, health and chance


def crowd(world, accounts: int, *, seed: int = 1) -> None:
    """Accounts with three scored days each. The second brings other policies and another model."""
    rng = np.random.default_rng(seed)
    with world.here():
        rows = Account.objects.bulk_create(
            Account(
                tenant=world.tenant, external_id=f"C-{n:06}", name=f"Crowd {n}", segment=SEGMENTS[n % 3],
                customer_since=DAYS[0] - timedelta(days=int(rng.integers(100, 2000))),
            )
            for n in range(accounts)
        )  # fmt: skip
        _overrides(world, rows)
    values, known = _first_values(rng, accounts)
    for at, day in enumerate(DAYS):
        if at < 2:
            policies = _policies(world, at + 1, rng)
            _model(world, at + 1, rng)
        if at:
            values, known = _moved(rng, values, known)
        _write(world, day, rows, np.where(known, values, np.nan), policies, rng)


def _first_values(rng, accounts):
    low = np.array([min(each.xs) for each in INDICATORS])
    high = np.array([max(each.xs) for each in INDICATORS])
    values = np.round(rng.uniform(low, high, (accounts, len(INDICATORS))), 6)
    return values, rng.random(values.shape) < rng.uniform(0.5, 1.0, (accounts, 1))


def _moved(rng, values, known):
    """Two in five values move, one in fourteen comes or goes."""
    again = _first_values(rng, len(values))[0]
    return np.where(rng.random(values.shape) < 0.4, again, values), np.where(
        rng.random(values.shape) < 0.07, ~known, known
    )


def _policies(world, version, rng):
    """One a segment. From the first to the second: weights, curves and the missing rule, or nothing at all for smb."""
    with world.here():
        for number, segment in enumerate(SEGMENTS):
            if version == 2 and segment == "smb":
                continue
            HealthPolicy.objects.filter(segment=segment).update(state="retired")
            neutral = version == 2 and segment == "mid_market"
            policy = HealthPolicy.objects.create(
                tenant=world.tenant, segment=segment, version=version, state="published", min_coverage_pct=30,
                missing_rule="neutral" if neutral else "renormalise",
            )  # fmt: skip
            shares = rng.multinomial(10_000, np.full(len(INDICATORS), 1 / len(INDICATORS)))
            PolicyIndicator.objects.bulk_create(
                PolicyIndicator(
                    tenant=world.tenant, policy=policy, indicator=each.key, weight=Decimal(int(share)) / 100,
                    xs=list(each.xs), ys=[round(float(y), 2) for y in rng.uniform(0, 100, len(each.xs))],
                    window_days=60 if each.has_window and version + number == 2 else None,
                )
                for each, share in zip(INDICATORS, shares, strict=True)
            )  # fmt: skip
        return queries.published_policies(world.tenant)


def _model(world, version, rng):
    """The second reads one feature less and another one instead."""
    names = READ if version == 1 else (*READ[1:], "satisfaction.backlog")
    spans = {each.key: sorted(each.xs) for each in INDICATORS}
    spans |= {"account.tenure_days": [0, 500, 1500], "account.log_arr": [0, 5, 12]}
    curves = [
        models_by_hand.curve(
            name, spans[name], rng.normal(0, 0.6, len(spans[name])), missing=rng.normal(0, 0.6)
        )
        for name in names
    ]
    fitted = models_by_hand.by_hand(*curves, base=-4.0 + 0.3 * version)
    timing = replace(fitted.timing, coefs=fitted.timing.coefs + rng.normal(0, 0.3, len(fitted.timing.coefs)))
    models_by_hand.register(world, replace(fitted, timing=timing), as_of=DAYS[version - 1])


def _overrides(world, rows):
    """Of a third of the accounts: over the first day only, from the second on, or over all."""
    ends = (DAYS[0] + timedelta(days=5), None, None)
    begins = (DAYS[0], DAYS[1], DAYS[0])
    Override.objects.bulk_create(
        Override(
            tenant=world.tenant, account=row, health=Decimal(10 * (n % 10)), reason="know_more", note="n",
            until=DAYS[2], created_at=_noon(begins[n // 3 % 3]), author_label="t",
            ended_at=_noon(ends[n // 3 % 3]) if ends[n // 3 % 3] else None,
        )
        for n, row in enumerate(rows)
        if n % 3 == 0
    )  # fmt: skip


def _noon(day):
    return datetime.combine(day, time(12), UTC)


def _write(world, day, rows, values, policies, rng):
    """As `pipeline.score_day` does after the evidence is read."""
    size = len(rows)
    arr = [
        None if n % 50 == 0 else Decimal(int(each))
        for n, each in enumerate(rng.integers(1_000, 90_000, size))
    ]
    named = ("rows", "last_ago", "source_rows", "source_first_ago", "source_last_ago")
    raw = {f"{key}.{name}": np.ones(size) for key in SOURCES for name in named}
    raw["tenure_days"] = np.array([(day - row.customer_since).days for row in rows], dtype=float)
    raw["term.renewal_in"] = rng.integers(0, 500, size).astype(float)
    raw["term.term_days"] = np.full(size, 365.0)
    money = Money(arr, ["USD"] * size, arr, [day + timedelta(days=30)] * size)
    features = Features(
        day, np.array([row.pk for row in rows]), [row.external_id for row in rows], [row.segment for row in rows],
        raw, money=money,
    )  # fmt: skip
    places = {policy.segment: at for at, policy in enumerate(policies)}
    policy_of = np.array([places[row.segment] for row in rows])
    scored = Scored(
        features=features, policies=policies, policy_of=policy_of, values=values,
        states=np.where(np.isnan(values), 2, 0), newest=np.where(np.isnan(values), np.nan, 3.0),
        health=pipeline._health(values, policies, policy_of), fingerprint=str(day),
    )  # fmt: skip
    chances = of_day(world.tenant, scored)
    writing.write_scores(
        world.tenant, scored=with_digest(scored, chances), chances=chances, by=MAKER,
        seconds=lambda: 0.0, progress=lambda *_: None,
    )  # fmt: skip


# one statement over every stored snapshot of the tenant
_LEVEL = """
SELECT count(p90),
       max(abs(logit_base + (SELECT sum(part) FROM unnest(logit_parts) part) - ln(p90::float8 / (1 - p90::float8)))),
       count(*) FILTER (WHERE health IS NOT NULL AND
           ((SELECT sum(each) FROM unnest(points) each) <> round(health * 100)
            OR (SELECT sum(each) FROM unnest(lost) each) <> 10000 - round(health * 100)))
FROM scoring_health_snapshot WHERE tenant_id = %s
"""


def sums(world) -> Sums:
    """Level and change of every account, each pair of days after one another, by the functions that pages use."""
    with world.here():
        with connection.cursor() as cursor:
            cursor.execute(_LEVEL, [world.tenant.pk])
            level = cursor.fetchone()
        pairs, worst, points, healths, broken, kinds = 0, 0.0, 0.0, 0, 0, set()
        for account, first, last in _pairs(world):
            chance = changes.chance_change(
                *(change_queries.chance_day(each, account) for each in (first, last))
            )
            pairs += 1
            step = changes_of(first, last)
            worst = max(worst, abs(fsum(part.logit for part in chance.parts) - step))
            points = max(points, abs(fsum(part.points for part in chance.parts) - _points(first, last)))
            kinds |= {f"chance {part.kind}" for part in chance.parts}
            days = [change_queries.health_day(each) for each in (first, last)]
            change = changes.health_change(*days, optional=change_queries.OPTIONAL)
            if change is None:
                continue
            healths += 1
            ends = [
                round((each.override.health if each.override else each.snapshot.health) * 100)
                for each in (first, last)
            ]
            broken += ends[0] + sum(part.amount for part in change.parts) != ends[1]
            kinds |= {f"health {part.kind}" for part in change.parts}
    return Sums(level, (pairs, worst, points), (healths, broken), frozenset(kinds))


def changes_of(first, last):
    """The step of logit(p90) from the stored chances alone, which the parts had no hand in."""
    return _logit(last) - _logit(first)


def _logit(standing):
    p = float(standing.snapshot.p90)
    return float(np.log(p) - np.log1p(-p))


def _points(first, last):
    return 100 * (float(last.snapshot.p90) - float(first.snapshot.p90))


def _pairs(world) -> Iterator[tuple[Account, Standing, Standing]]:
    tenant = world.tenant
    policies = queries.policies_by_id(tenant, set(HealthPolicy.objects.values_list("pk", flat=True)))
    overrides: dict[int, list[Override]] = {}
    for each in Override.objects.order_by("-created_at"):
        overrides.setdefault(each.account_id, []).append(each)
    accounts = list(Account.objects.order_by("pk"))
    models = {}
    for start in range(0, len(accounts), BLOCK):
        some = {each.pk: each for each in accounts[start : start + BLOCK]}
        rows = HealthSnapshot.objects.filter(tenant=tenant, account_id__in=some).order_by(
            "account_id", "as_of"
        )
        before = None
        for row in rows:
            if row.model_id not in models:
                models |= model_queries.models_by_id(tenant, {row.model_id})
            found = change_queries._in_force(overrides.get(row.account_id, []), row.as_of)
            standing = Standing(row, policies[row.policy_id], models[row.model_id], found)
            if before is not None and before.snapshot.account_id == row.account_id:
                yield some[row.account_id], before, standing
            before = standing
