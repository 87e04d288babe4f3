"""What wakes plays up: jobs, and events of the log that playbooks reads along."""

from decimal import Decimal
from typing import Any

from audit import consumers
from audit.consumers import Event
from playbooks import services
from playbooks.services import unattended
from scoring.automation import holds
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

TRIGGERS = "playbooks.triggers"
GAINS = "playbooks.gains"
RESUME_HELD = "playbooks.resume_held"
START_EARNED = "playbooks.start_earned"
TRIGGER_VERBS = ["scoring.health_changed"]
GAIN_VERBS = ["scoring.improved"]
WRITEBACK = "playbooks.writeback"
_WRITE = "integrations.write_"
WRITEBACK_VERBS = [f"{_WRITE}{outcome}" for outcome in ("done", "dead", "blocked", "cancelled", "replayed")]


def start_play(tenant: Tenant, progress: Any, *, play_id: int) -> dict[str, str]:
    """The time for Undo is over."""
    return {"state": services.start_play(tenant, play_id=play_id).state}


def start_earned(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Every quarter of an hour while a model has earned it: plays that nobody has to click for."""
    return {"started": unattended.start_earned(tenant)}


def wake_snoozed(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Each morning: the suggestions whose day has come."""
    return {"woken": services.wake_snoozed(tenant)}


def follow_health(tenant: Tenant, events: list[Event]) -> None:
    """Health changed somewhere: open, refresh, wake or expire suggestions there, or wait for a source to come back."""
    signals = [_signal(event) for event in events if event.account_id is not None]
    services.suggest_or_hold(tenant, signals=signals)


def follow_gains(tenant: Tenant, events: list[Event]) -> None:
    """Somebody has clearly improved: offer what one does then, or wait for a source to come back."""
    signals = [_signal(event) for event in events if event.account_id is not None]
    services.suggest_or_hold(tenant, signals=signals, what=GAINS)


def may_resume(tenant: Tenant) -> bool:
    """Whether triggers wait whose sources are back."""
    return services.is_anything_waiting(tenant) and not holds.reasons(tenant)


def resume_held(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Go on with what waited, after what scoring has told since: a newer signal overtakes a kept one."""
    for name in (TRIGGERS, GAINS):
        consumers.consume_now(tenant, name)
    resumed = 0
    while True:
        with tenant_transaction(tenant.pk):
            count = services.resume_held(tenant)
        if not count:
            return {"resumed": resumed}
        resumed += count
        progress(resumed)


def follow_writes(tenant: Tenant, events: list[Event]) -> None:
    """A write was sent, was given up, or waits: its step follows."""
    services.follow_writes(tenant, results=[_result(event) for event in events if event.object_id.isdigit()])


def _signal(event: Event) -> services.Signal:
    after = event.after or {}
    health = after.get("health")
    return services.Signal(
        account_id=event.account_id or 0,
        health=None if health is None else Decimal(str(health)),
        band=str(after.get("band") or "unknown"),
        low=list(after.get("low") or []),
        gains=list(after.get("gains") or []),
        key=list(event.key),
    )


def _result(event: Event) -> services.Result:
    after = event.after or {}
    return services.Result(
        intent_id=int(event.object_id),
        outcome=event.verb.removeprefix(_WRITE),
        at=event.at,
        reason=str(after.get("reason") or ""),
    )
