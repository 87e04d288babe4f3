"""Turning health events into suggested plays: one open suggestion an account, the first playbook that fits.

Runs for a batch of events at once, with a fixed number of reads however many accounts there are. A replay changes
nothing: an account that has its suggestion keeps it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from playbooks.models import Playbook, Recommendation
from playbooks.queries import recommendations as queries
from playbooks.services.guards import local_day
from playbooks.services.trail import record_suggestion
from tenants.access import SYSTEM
from tenants.models import Tenant

State = Recommendation.State
IMPROVED = Playbook.TriggerOn.IMPROVED
LOW = Playbook.TriggerOn.LOW
OTHERWISE_BEGUN = (
    Playbook.TriggerOn.RENEWAL,
    Playbook.TriggerOn.RISK,
)  # not by health: services.renewals, cues
Cause = list[dict[str, Any]]

COOL_DOWN = timedelta(days=30)  # after a dismissal, or the end of a play, of the same cause
WAKE_FALL = Decimal(10)  # points that a snoozed account may fall before it wakes
HEALTHY = "healthy"
# what they ask for may be done at any time, and then there is nothing left to suggest: a new champion is there
ENDS_WITH_ITS_CAUSE = frozenset({"champion_change"})
_CAUSES = """
UPDATE playbooks_recommendation AS old SET cause = new.cause, event_key = new.event_key
FROM jsonb_to_recordset(%s::jsonb) AS new (id bigint, cause jsonb, event_key jsonb)
WHERE old.tenant_id = %s AND old.id = new.id
"""


@dataclass(frozen=True)
class Signal:
    """What a `scoring.health_changed`, `scoring.improved` or `scoring.risk_changed` event says of one account."""

    account_id: int
    health: Decimal | None
    band: str
    low: Cause  # indicators under 50 points, worst first
    key: list[int] = field(default_factory=list)  # epoch, xid, id of the event
    gains: Cause = field(
        default_factory=list
    )  # what has clearly improved; a signal has lows, gains or a rise
    risk: dict[str, str] = field(
        default_factory=dict
    )  # was, level: where the level of risk came from and went to


@dataclass(frozen=True)
class Standing:
    """What is already open, running or answered on the accounts of a batch."""

    open: dict[int, Recommendation]
    running: set[tuple[int, int]]
    answered: dict[tuple[int, int], list[set[str]]]

    def is_free(self, account_id: int, playbook: Playbook, cause: Cause) -> bool:
        """Neither running there, nor answered lately for everything that speaks for it now."""
        at = (account_id, playbook.pk)
        keys = {str(low["key"]) for low in cause}
        return at not in self.running and not any(keys <= known for known in self.answered.get(at, []))


@transaction.atomic
def suggest(tenant: Tenant, *, signals: Iterable[Signal], now: datetime | None = None) -> int:
    """Open, refresh, wake and expire suggestions; how many were opened. The last signal of an account counts."""
    now = now or timezone.now()
    latest = {signal.account_id: signal for signal in signals}
    accounts = queries.known_accounts(tenant, latest)
    playbooks = queries.active_playbooks(tenant)
    standing = standing_of(tenant, list(accounts), now)
    fresh, refreshed = [], []
    for account_id, signal in latest.items():
        if account_id not in accounts:
            continue
        row = standing.open.get(account_id)
        if row is not None:
            if _follow(tenant, row, signal, playbooks, standing, now):
                refreshed.append(row)
        elif (found := _first_fitting(signal, playbooks, standing)) is not None:
            fresh.append((signal, *found))
    _write_causes(tenant, refreshed)
    return len(open_all(tenant, fresh, now))


@transaction.atomic
def suggest_gains(tenant: Tenant, *, signals: Iterable[Signal], now: datetime | None = None) -> int:
    """Open suggestions on accounts that have improved; how many.

    Only where nothing else is asked for: an open suggestion, or a play that runs, comes first.
    """
    now = now or timezone.now()
    latest = {signal.account_id: signal for signal in signals}
    accounts = queries.known_accounts(tenant, latest)
    playbooks = queries.active_playbooks(tenant)
    standing = standing_of(tenant, list(accounts), now)
    busy = {account_id for account_id, _ in standing.running} | set(standing.open)
    bands = queries.bands_of(
        tenant, accounts
    )  # a signal that waited may be older than where the account stands
    fresh = []
    for account_id, told in latest.items():
        signal = replace(told, band=bands.get(account_id, told.band))
        found = _first_fitting(signal, playbooks, standing)
        if account_id in accounts and account_id not in busy and found is not None:
            fresh.append((signal, *found))
    return len(open_all(tenant, fresh, now))


@transaction.atomic
def wake_snoozed(tenant: Tenant, *, now: datetime | None = None) -> int:
    """Bring back the suggestions whose day has come; how many."""
    today = local_day(tenant, now or timezone.now())
    rows = list(queries.snoozed_until(tenant, today))
    for row in rows:
        wake(tenant, row, why="its day has come")
    return len(rows)


def cause_for(playbook: Playbook, signal: Signal) -> Cause:
    """The low indicators, or the improvements, that this playbook answers to; empty when it does not apply."""
    if playbook.trigger_on in OTHERWISE_BEGUN or signal.band not in playbook.trigger_bands:
        return []
    told = (
        signal.gains if playbook.trigger_on == IMPROVED else _below(signal.low, playbook.trigger_score_below)
    )
    return [
        each
        for each in told
        if any(names(pattern, str(each["key"])) for pattern in playbook.trigger_indicators)
    ]


def _below(lows: Cause, limit: int) -> Cause:
    """Worst first, as they came."""
    return [low for low in lows if low["score"] is not None and Decimal(str(low["score"])) < limit]


def names(pattern: str, key: str) -> bool:
    """Whether a trigger's pattern names this indicator."""
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern


def standing_of(tenant: Tenant, account_ids: list[int], now: datetime) -> Standing:
    answered: dict[tuple[int, int], list[set[str]]] = {}
    for account_id, playbook_id, cause in queries.answered_causes(tenant, account_ids, since=now - COOL_DOWN):
        answered.setdefault((account_id, playbook_id), []).append({str(low["key"]) for low in cause})
    return Standing(
        open=queries.open_for_update(tenant, account_ids),
        running=queries.running_playbooks(tenant, account_ids),
        answered=answered,
    )


def _first_fitting(
    signal: Signal, playbooks: list[Playbook], standing: Standing
) -> tuple[Playbook, Cause] | None:
    for playbook in playbooks:
        cause = cause_for(playbook, signal)
        if cause and standing.is_free(signal.account_id, playbook, cause):
            return playbook, cause
    return None


def _follow(
    tenant: Tenant,
    row: Recommendation,
    signal: Signal,
    playbooks: list[Playbook],
    standing: Standing,
    now: datetime,
) -> bool:
    """Bring an open suggestion up to date with what is now known; whether its cause is still to be written."""
    if row.playbook.trigger_on in OTHERWISE_BEGUN:
        _follow_other(tenant, row, signal, playbooks, standing, now)
        return False
    is_gain = row.playbook.trigger_on == IMPROVED
    if signal.band == HEALTHY and not is_gain:
        expire(tenant, row)
        return False
    if (
        is_gain
        and signal.band not in row.playbook.trigger_bands
        and _first_fitting(signal, playbooks, standing) is None
    ):
        expire(tenant, row, why="the account stands less well again")
        return False
    has_new_cause = _refresh(tenant, row, signal, playbooks, standing)
    if row.state == State.SNOOZED and (why := _reason_to_wake(row, signal, local_day(tenant, now))):
        wake(tenant, row, why=why)
    return has_new_cause


def _follow_other(
    tenant: Tenant,
    row: Recommendation,
    signal: Signal,
    playbooks: list[Playbook],
    standing: Standing,
    now: datetime,
) -> None:
    """A suggestion that health did not begin does not end with it. Trouble takes the place of a term that ends, which
    is told again once the place is free."""
    found = _first_fitting(signal, playbooks, standing)
    if found is not None and row.playbook.trigger_on == Playbook.TriggerOn.RENEWAL:
        queries.forget_cues(tenant, recommendation_id=row.pk)
        switch(tenant, row, *found, key=signal.key)
    if row.state == State.SNOOZED and (why := _reason_to_wake(row, signal, local_day(tenant, now))):
        wake(tenant, row, why=why)


def _refresh(
    tenant: Tenant, row: Recommendation, signal: Signal, playbooks: list[Playbook], standing: Standing
) -> bool:
    """Its own playbook's present cause, which the caller writes for all rows at once (True); another playbook
    only when its own no longer applies.

    A refreshed cause keeps the version: the answer that somebody is about to give is still about the same play.
    """
    own = cause_for(row.playbook, signal)
    if own:
        is_new: bool = own != row.cause
        if is_new:
            row.cause, row.event_key = own, signal.key
        return is_new
    found = _first_fitting(signal, playbooks, standing)
    if found is None:
        if row.playbook.key in ENDS_WITH_ITS_CAUSE:
            expire(tenant, row, why="its cause is gone")
        return False
    switch(tenant, row, *found, key=signal.key)
    return False


def switch(tenant: Tenant, row: Recommendation, playbook: Playbook, cause: Cause, *, key: list[int]) -> None:
    """Another playbook in the same place, with a new version: an answer about the other play is stale."""
    before = {"playbook": row.playbook.key}
    row.playbook, row.cause, row.event_key = playbook, cause, key
    row.version += 1
    row.save()
    after = {"playbook": row.playbook.key, "cause": row.cause}
    record_suggestion(tenant, row, verb="playbooks.recommended", by=SYSTEM, before=before, after=after)


def _write_causes(tenant: Tenant, rows: list[Recommendation]) -> None:
    """All in one statement; Django's bulk_update builds a CASE a row, which took most of a batch's time."""
    if not rows:
        return
    values = [{"id": row.pk, "cause": row.cause, "event_key": row.event_key} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_CAUSES, [json.dumps(values), tenant.pk])


def _reason_to_wake(row: Recommendation, signal: Signal, today: date) -> str:
    if row.snoozed_until is not None and row.snoozed_until <= today:
        return "its day has come"
    if row.snoozed_health is None or signal.health is None:
        return ""
    fall = row.snoozed_health - signal.health
    return f"health fell {fall.normalize():f} points" if fall >= WAKE_FALL else ""


def wake(tenant: Tenant, row: Recommendation, *, why: str) -> None:
    before = {"state": row.state, "until": row.snoozed_until}
    row.state = State.SUGGESTED
    row.snoozed_until = row.snoozed_health = row.decided_by = row.decided_at = None
    row.reason = row.comment = row.decided_by_label = ""
    row.version += 1
    row.save()
    after = {"state": row.state, "why": why}
    record_suggestion(tenant, row, verb="playbooks.woken", by=SYSTEM, before=before, after=after)


def expire(tenant: Tenant, row: Recommendation, *, why: str = "the account is healthy again") -> None:
    before = {"state": row.state}
    row.state, row.snoozed_until = State.EXPIRED, None
    row.version += 1
    row.save()
    after = {"state": row.state, "why": why}
    record_suggestion(tenant, row, verb="playbooks.expired", by=SYSTEM, before=before, after=after)


def open_all(
    tenant: Tenant, fresh: list[tuple[Signal, Playbook, Cause]], now: datetime
) -> list[Recommendation]:
    """Insert them in one statement. Where an Undo opened one in the meantime, the unique key leaves ours out."""
    rows = [
        Recommendation(
            tenant=tenant,
            account_id=signal.account_id,
            playbook=playbook,
            cause=cause,
            event_key=signal.key,
            created_at=now,
        )
        for signal, playbook, cause in fresh
    ]
    Recommendation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    keys = {signal.account_id: signal.key for signal, *_ in fresh}
    opened = [
        row
        for row in queries.open_for_update(tenant, list(keys)).values()
        if row.created_at == now and row.event_key == keys[row.account_id]
    ]
    for row in opened:
        after = {"playbook": row.playbook.key, "cause": row.cause}
        record_suggestion(tenant, row, verb="playbooks.recommended", by=SYSTEM, before={}, after=after)
    return opened
