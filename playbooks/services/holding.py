"""Triggers rest while a source is late, empty or shifted, and go on exactly once when it is back.

A play starts only after a person accepted it, so triggers are all that playbooks does by itself because of a score.
"""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.db import transaction

from audit import services as audit
from playbooks.services.suggestions import Signal, suggest
from scoring.automation import holds
from tenants.access import SYSTEM
from tenants.models import Tenant

TRIGGERS = "playbooks.triggers"
BATCH = 500


@transaction.atomic
def suggest_or_hold(tenant: Tenant, *, signals: Iterable[Signal]) -> int:
    """Act on the signals, or keep the newest one of each account while a hold stands; how many were suggested."""
    signals = list(signals)
    why = holds.reasons(tenant)
    if why:
        kept = {signal.account_id: _written(signal) for signal in signals}
        if began := holds.pause(tenant, what=TRIGGERS, signals=kept, why=why):
            after = {"accounts": began, "why": [each.words for each in why]}
            _record(tenant, "playbooks.triggers_held", after)
        return 0
    holds.overtaken(tenant, what=TRIGGERS, account_ids=[signal.account_id for signal in signals])
    return suggest(tenant, signals=signals)


@transaction.atomic
def resume_held(tenant: Tenant) -> int:
    """Act on up to 500 kept signals; how many. None while a hold stands, and none twice."""
    taken = holds.take(tenant, what=TRIGGERS, limit=BATCH)
    if taken:
        opened = suggest(tenant, signals=[_read(row.signal) for row in taken])
        _record(tenant, "playbooks.triggers_resumed", {"accounts": len(taken), "suggested": opened})
    return len(taken)


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
