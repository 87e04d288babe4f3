"""What wakes plays up: jobs, and events of the log that playbooks reads along."""

from decimal import Decimal
from typing import Any

from audit import consumers
from audit.consumers import Event
from jobs import queries as jobs
from playbooks import services
from playbooks.queries import cues as cue_queries
from playbooks.services import cues, renewals, unattended
from scoring.automation import holds
from scoring.queries import newest_run
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

TRIGGERS = "playbooks.triggers"
GAINS = "playbooks.gains"
RISK = "playbooks.risk"
GIVE_TURNS = "playbooks.give_turns"
LOOK_AHEAD = "playbooks.look_ahead"
RESUME_HELD = "playbooks.resume_held"
START_EARNED = "playbooks.start_earned"
TRIGGER_VERBS = ["scoring.health_changed"]
GAIN_VERBS = ["scoring.improved"]
RISK_VERBS = ["scoring.risk_changed"]
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


def follow_risk(tenant: Tenant, events: list[Event]) -> None:
    """A level of risk moved: what rose waits for its turn, what fell is forgotten; or all of it for a source."""
    signals = [_rise(event) for event in events if event.account_id is not None]
    services.suggest_or_hold(tenant, signals=signals, what=RISK)


def give_turns(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Every five minutes while a flag waits whose owner has room: after all that scoring has told."""
    consumers.consume_now(tenant, RISK)
    with tenant_transaction(tenant.pk):
        return {"given": cues.give_turns(tenant)}


def is_there_a_new_scoring(tenant: Tenant) -> bool:
    """Whether something was scored since this was looked at last. Asked often: the two small look-ups come first."""
    run = newest_run(tenant)
    if run is None or run.pk == _looked_at(tenant):
        return False
    return cue_queries.settled_run(tenant) is not None


def _looked_at(tenant: Tenant) -> int | None:
    last = jobs.newest_job(tenant, kind=LOOK_AHEAD)
    return (last.result or {}).get("run") if last is not None else None


def look_ahead(tenant: Tenant, progress: Any) -> dict[str, int]:
    """After each scoring: terms that end soon, and what no level of risk speaks for any more. Harmless again."""
    with tenant_transaction(tenant.pk):
        run = cue_queries.settled_run(tenant)
        ended = renewals.end_passed(tenant, run=run) + cues.end_unspoken(tenant) if run is not None else 0
    begun, after = 0, 0
    while run is not None:
        with tenant_transaction(tenant.pk):
            count, last = renewals.look_at(tenant, run=run, after=after)
        begun += count
        if last is None:
            break
        after = last
        progress(begun)
    return {"begun": begun, "ended": ended, **({"run": run.pk} if run is not None else {})}


def may_resume(tenant: Tenant) -> bool:
    """Whether triggers wait whose sources are back."""
    return services.is_anything_waiting(tenant) and not holds.reasons(tenant)


def resume_held(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Go on with what waited, after what scoring has told since: a newer signal overtakes a kept one."""
    for name in (TRIGGERS, RISK, GAINS):
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


def _rise(event: Event) -> services.Signal:
    """Where the level came from and went to; a first level came from none."""
    before, after = event.before or {}, event.after or {}
    levels = {"was": str(before.get("risk_level") or ""), "level": str(after.get("risk_level") or "")}
    return services.Signal(event.account_id or 0, None, "unknown", low=[], key=list(event.key), risk=levels)


def _result(event: Event) -> services.Result:
    after = event.after or {}
    return services.Result(
        intent_id=int(event.object_id),
        outcome=event.verb.removeprefix(_WRITE),
        at=event.at,
        reason=str(after.get("reason") or ""),
    )
