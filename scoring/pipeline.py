"""The one way from evidence to scores, and the only importer of the maths. Called by jobs and commands alone.

`evaluate` computes and writes nothing (previews use it too); `score_day` writes what it computes. Both take any day:
there is no second code path for the past (ADR 0007).
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scoring import queries, writing
from scoring.bands import policy_label
from scoring.catalogue import BY_KEY, INDICATORS, SOURCES, Indicator
from scoring.chances import of_day, with_digest
from scoring.engine import health as engine
from scoring.engine.values import FORMULAS, NEWEST
from scoring.exceptions import NoPolicy, NothingToScore, ScoringInProgress
from scoring.features.load import Features, load
from scoring.locks import scoring_key
from scoring.models import HealthPolicy, ScoreRun
from scoring.scored import Scored
from scoring.sentiment.reading import read_new
from scoring.windows import in_force, windows_of
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# raised when a formula or a feature changes its meaning, so that old and new figures are never taken as the same
ENGINE_VERSION = "6"
_BLOCK = 10_000  # accounts whose health is computed at a time


class Progress(Protocol):
    def __call__(self, done: int, total: int | None = None, message: str = "") -> None: ...


def _silent(done: int, total: int | None = None, message: str = "") -> None:
    """For callers that show no progress."""


def score_day(tenant: Tenant, *, as_of: date, by: Actor, progress: Progress | None = None) -> ScoreRun:
    """Score every customer of that day and write snapshots, unless the same figures already stand.

    Opens its own short transactions: call it outside of one. A run that breaks off leaves rows that nobody reads.
    """
    report = progress or _silent
    started = time.monotonic()
    with _alone(tenant):
        report(0, None, "Reading texts")
        read_new(tenant, progress=lambda done: report(done, None, "Reading texts"))
        scored = evaluate(tenant, as_of=as_of, progress=report)
        report(0, len(scored), "Computing chances")
        chances = of_day(tenant, scored, over=lambda windows: read_over(tenant, scored, windows))
        scored = with_digest(scored, chances)
        report(0, len(scored), "Saving scores")
        return writing.write_scores(
            tenant,
            scored=scored,
            chances=chances,
            by=by,
            seconds=lambda: time.monotonic() - started,
            progress=report,
        )


class _alone:
    """A lock of the session, not of a transaction, because a run has many; it dies with the connection."""

    def __init__(self, tenant: Tenant) -> None:
        self.key = scoring_key(tenant)

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", self.key)
            if not cursor.fetchone()[0]:
                raise ScoringInProgress("Scores are being computed already. Wait for that run to end.")

    def __exit__(self, *failure: object) -> None:
        if connection.connection is None or connection.connection.closed or connection.needs_rollback:
            return  # nothing can be asked any more; the lock goes with the session
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", self.key)


def evaluate(
    tenant: Tenant,
    *,
    as_of: date,
    policies: Sequence[HealthPolicy] | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Health of every customer of that day under the published policies, or under the given ones. Writes nothing.

    A given policy needs `.rows`, as from `queries.with_rows`.
    """
    report = progress or _silent
    with tenant_transaction(tenant.pk):
        chosen = list(policies) if policies is not None else queries.published_policies(tenant)
    features = load(
        tenant,
        day=as_of,
        windows=windows_of(chosen),
        progress=lambda done, total: report(done, total, "Reading evidence"),
    )
    if not len(features):
        raise NothingToScore(f"Nobody was a customer on {as_of}.")
    return score_features(features, chosen)


def read_over(tenant: Tenant, scored: Scored, windows: dict[str, int]) -> Scored:
    """The same customers, read again over other windows than those in force; health stays as it is."""
    features = load(tenant, day=scored.day, windows=windows, customers=scored.features)
    values, states, newest = _values(features)
    return replace(scored, features=features, values=values, states=states, newest=newest)


def values_of_day(
    tenant: Tenant, *, as_of: date, windows: dict[str, int] | None = None
) -> tuple[Features, Floats]:
    """Every customer of that day and their indicator values, without health: what models are learnt from.

    `windows`: days by indicator key where not declared; None: those in force.
    """
    if windows is None:
        with tenant_transaction(tenant.pk):
            windows = in_force(tenant)
    features = load(tenant, day=as_of, windows=windows)
    if not len(features):  # then there are no raw figures either
        return features, np.empty((0, len(INDICATORS)))
    return features, _values(features)[0]


def score_features(features: Features, policies: Sequence[HealthPolicy]) -> Scored:
    """The computation itself: values, then health by each segment's policy."""
    values, states, newest = _values(features)
    by_segment = {policy.segment: at for at, policy in enumerate(policies)}
    fallback = by_segment.get("", -1)
    policy_of = np.array([by_segment.get(segment, fallback) for segment in features.segments])
    if (policy_of < 0).any():
        segment = features.segments[int(np.argmax(policy_of < 0))]
        raise NoPolicy(f"No published health policy covers the segment {segment or '(none)'}.")
    health = _health(values, policies, policy_of)
    scored = Scored(
        features=features,
        policies=list(policies),
        policy_of=policy_of,
        values=values,
        states=states,
        newest=newest,
        health=health,
    )
    return replace(scored, fingerprint=fingerprint(scored))


def _values(features: Features) -> tuple[Floats, Ints, Floats]:
    """Accounts x indicators: value, why it is missing (place in breakdown.MISSING), days since the newest evidence."""
    columns, states, newest = [], [], []
    evidence = features.evidence()
    for indicator in INDICATORS:
        absent, late = _source_state(features, indicator)
        value = np.where(absent | late, np.nan, FORMULAS[indicator.key](evidence))
        not_tracked = absent | _untracked_account(features, indicator)
        state = np.where(not_tracked, 1, np.where(late, 3, 2))  # what never came cannot be late
        columns.append(value)
        states.append(np.where(np.isnan(value), state, 0))
        newest.append(_newest(features, indicator))
    return np.column_stack(columns), np.column_stack(states), np.column_stack(newest)


def _source_state(features: Features, indicator: Indicator) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether every source of the indicator is absent for the whole tenant, or has fallen silent for everybody."""
    absent = np.ones(len(features), dtype=bool)
    late = np.ones(len(features), dtype=bool)
    for name in indicator.sources:
        is_absent = ~(features.raw[f"{name}.source_rows"] > 0)
        fresh_days = SOURCES[name].fresh_days or np.inf
        absent &= is_absent
        late &= is_absent | (features.raw[f"{name}.source_last_ago"] > fresh_days)
    return absent, late & ~absent


def _untracked_account(features: Features, indicator: Indicator) -> NDArray[np.bool_]:
    """Usage is switched on account by account; every other source speaks for the whole tenant."""
    if indicator.source not in ("usage", "usage_detail"):
        return np.zeros(len(features), dtype=bool)
    return np.isnan(features.raw[f"{indicator.source}.rows"])


def _newest(features: Features, indicator: Indicator) -> Floats:
    fallback = features.raw[f"{indicator.source}.last_ago"]
    own = features.raw.get(NEWEST.get(indicator.key, ""))
    return fallback if own is None else np.where(np.isnan(own), fallback, own)


def _health(values: Floats, policies: Sequence[HealthPolicy], policy_of: Ints) -> engine.Health:
    """Each policy on its own accounts, in blocks, put back into one table: the steps between take much memory."""
    columns: dict[str, NDArray[Any]] = {}
    for at, policy in enumerate(policies):
        whole, mine = engine_policy(policy), np.flatnonzero(policy_of == at)
        for first in range(0, max(len(mine), 1), _BLOCK):
            rows = mine[first : first + _BLOCK]
            part = engine.compute(values[rows], whole)
            for name in part.__dataclass_fields__:
                made = getattr(part, name)
                if name not in columns:
                    columns[name] = np.empty((len(values), *made.shape[1:]), dtype=made.dtype)
                columns[name][rows] = made
    return engine.Health(**columns)


def engine_policy(policy: HealthPolicy) -> engine.Policy:
    """A policy's rows as arrays in the order of the catalogue; indicators without a row weigh nothing."""
    rows = {row.indicator: row for row in policy.rows if row.enabled and row.indicator in BY_KEY}
    curves = [
        (rows[each.key].xs, rows[each.key].ys) if each.key in rows else (each.xs, each.ys)
        for each in INDICATORS
    ]
    return engine.Policy(
        weights=np.array(
            [int(rows[each.key].weight * 100) if each.key in rows else 0 for each in INDICATORS],
            dtype=np.int64,
        ),
        curves=tuple((np.array(xs, dtype=float), np.array(ys, dtype=float)) for xs, ys in curves),
        neutral_when_missing=policy.missing_rule == HealthPolicy.MissingRule.NEUTRAL,
        min_coverage=policy.min_coverage_pct * 100,
        cuts=(int(policy.at_risk_from * 100), int(policy.watch_from * 100), int(policy.healthy_from * 100)),
        optional=np.array([each.optional for each in INDICATORS], dtype=bool),
    )


def bands_under(values: Floats, policy: HealthPolicy) -> Ints:
    """Only the bands (places in bands.BANDS, -1 unknown) of accounts x indicators under one policy with `.rows`."""
    whole = engine_policy(policy)
    used = np.flatnonzero(whole.weights)
    assert whole.optional is not None
    short = replace(
        whole,
        weights=whole.weights[used],
        curves=tuple(whole.curves[at] for at in used),
        optional=whole.optional[used],
    )
    return engine.compute(values[:, used], short).band


def fingerprint(scored: Scored) -> str:
    """A hash of everything that decides the figures: day, engine, policies, every raw figure, money and rates."""
    digest = hashlib.sha256(f"{ENGINE_VERSION} {scored.features.day}".encode())
    for policy in scored.policies:
        rows = sorted(
            (row.indicator, str(row.weight), list(row.xs), list(row.ys), row.enabled) for row in policy.rows
        )
        cuts = (policy.at_risk_from, policy.watch_from, policy.healthy_from, policy.min_coverage_pct)
        digest.update(
            repr((policy_label(policy), policy.missing_rule, [str(cut) for cut in cuts], rows)).encode()
        )
    features = scored.features
    digest.update(repr((features.external_ids, features.segments)).encode())
    for name in sorted(features.raw):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(features.raw[name]).tobytes())
    digest.update(repr((sorted(features.names.items()), sorted(features.windows.items()))).encode())
    money = features.money
    digest.update(repr((money.arr, money.currency, money.arr_reporting, money.renewal_date)).encode())
    return digest.hexdigest()
