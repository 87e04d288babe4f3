"""Triggers rest while a source is late, empty or shifted, and go on exactly once when it is back.

Plays that start without a click ask for the same holds themselves (`services.unattended`).
"""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.db import transaction

from audit import services as audit
from playbooks.queries.cues import held_signals
from playbooks.queries.locks import lock_flags
from playbooks.services.cues import follow_risk, joined
from playbooks.services.suggestions import Signal, suggest, suggest_gains
from scoring.automation import holds
from tenants.access import SYSTEM
from tenants.models import Tenant

TRIGGERS = "playbooks.triggers"
GAINS = "playbooks.gains"
RISK = "playbooks.risk"
KINDS = (TRIGGERS, RISK, GAINS)  # what waits; each has its own place, so that good news does not overtake bad
BATCH = 500


@transaction.atomic
def suggest_or_hold(tenant: Tenant, *, signals: Iterable[Signal], what: str = TRIGGERS) -> int:
    """Act on the signals, or keep the newest one of each account while a hold stands; how many were suggested."""
    signals = list(signals)
    if what == RISK:
        lock_flags(tenant)
        signals = _from_where_it_began(tenant, signals)
    why = holds.reasons(tenant)
    if why:
        kept = {signal.account_id: _written(signal) for signal in signals}
        if began := holds.pause(tenant, what=what, signals=kept, why=why):
            after = {"what": what, "accounts": began, "why": [each.words for each in why]}
            _record(tenant, "playbooks.triggers_held", after)
        return 0
    holds.overtaken(tenant, what=what, account_ids=[signal.account_id for signal in signals])
    return _act(tenant, what, signals)


@transaction.atomic
def resume_held(tenant: Tenant) -> int:
    """Act on up to 500 kept signals of each kind; how many. None while a hold stands, and none twice."""
    lock_flags(tenant)
    return sum(_resume(tenant, what) for what in KINDS)


def _resume(tenant: Tenant, what: str) -> int:
    taken = holds.take(tenant, what=what, limit=BATCH)
    if taken:
        opened = _act(tenant, what, [_read(row.signal) for row in taken])
        after = {"what": what, "accounts": len(taken), "suggested": opened}
        _record(tenant, "playbooks.triggers_resumed", after)
    return len(taken)


def is_anything_waiting(tenant: Tenant) -> bool:
    return any(holds.is_anything_waiting(tenant, what=what) for what in KINDS)


def _act(tenant: Tenant, what: str, signals: list[Signal]) -> int:
    if what == RISK:
        return follow_risk(tenant, signals=signals)
    return (suggest_gains if what == GAINS else suggest)(tenant, signals=signals)


def _from_where_it_began(tenant: Tenant, signals: list[Signal]) -> list[Signal]:
    """A level that rose in two steps while a source was away has risen from where it stood before both."""
    ids = [signal.account_id for signal in signals]
    kept = [_read(each) for each in held_signals(tenant, what=RISK, account_ids=ids).values()]
    return list(joined([*kept, *signals]).values())


def _written(signal: Signal) -> dict[str, Any]:
    """The signal as JSON; points keep their digits."""
    health = None if signal.health is None else str(signal.health)
    return asdict(signal) | {"health": health}


def _read(kept: dict[str, Any]) -> Signal:
    health = None if kept["health"] is None else Decimal(kept["health"])
    return Signal(**kept | {"health": health})


def _record(tenant: Tenant, verb: str, after: dict[str, Any]) -> None:
    audit.record(
        tenant, verb=verb, by=SYSTEM, object_type="playbooks.playbook", object_id="triggers",
        object_label="Triggers of playbooks", after=after,
    )  # fmt: skip
