"""A play's life after it was accepted: it starts with its steps and tasks, and ends with an outcome or is stopped."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from playbooks.exceptions import BadInput, Refused
from playbooks.models import Play, PlayStep, Task
from playbooks.queries import locks
from playbooks.queries.playbooks import steps_of_playbook
from playbooks.queries.plays import open_tasks_of_play
from playbooks.services.guards import check_may_work, check_version, local_day
from playbooks.services.trail import record_play
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant

CONCESSION = "concession"


@transaction.atomic
def start_play(tenant: Tenant, *, play_id: int, by: Actor = SYSTEM, now: datetime | None = None) -> Play:
    """Write the steps and tasks, as the playbook stands now. Harmless on a play that was taken back or has started.

    The job's `not_before` keeps the time for Undo; a job that is run by hand may start a play sooner.
    """
    now = now or timezone.now()
    play = locks.play_for_update(tenant, play_id)
    if play.state != Play.State.STARTING:
        return play
    steps = _write_steps(tenant, play, now)
    _write_tasks(tenant, play, steps, now)
    play.state = Play.State.IN_PROGRESS
    play.version += 1
    play.save(update_fields=["state", "version"])
    after = {"state": play.state, "steps": len(steps), "playbook_version": play.playbook.version}
    record_play(tenant, play, verb="playbooks.play_started", by=by, after=after)
    return play


@transaction.atomic
def close_play(
    tenant: Tenant,
    *,
    play_id: int,
    version: int,
    outcome: str,
    by: Actor,
    comment: str = "",
    now: datetime | None = None,
) -> Play:
    """End a running play with what came of it; what is undone stays undone, its tasks leave the lists."""
    now = now or timezone.now()
    play = _locked(tenant, play_id, by)
    if _is_repeat(play, Play.State.COMPLETED, version) and play.outcome == outcome:
        return play
    _check_runs(play, version)
    if outcome not in Play.Outcome.values:
        raise BadInput("outcome", "Choose an outcome.")
    return _end(tenant, play, Play.State.COMPLETED, by=by, now=now, outcome=outcome, comment=comment)


@transaction.atomic
def cancel_play(
    tenant: Tenant, *, play_id: int, version: int, reason: str, by: Actor, now: datetime | None = None
) -> Play:
    """Stop a running play that shall not be carried on, and say why."""
    now = now or timezone.now()
    play = _locked(tenant, play_id, by)
    if _is_repeat(play, Play.State.CANCELLED, version):
        return play
    _check_runs(play, version)
    if not reason.strip():
        raise BadInput("reason", "Say why it is stopped.")
    return _end(tenant, play, Play.State.CANCELLED, by=by, now=now, outcome="", comment=reason)


def check_in_progress(play: Play, row: object) -> None:
    """Steps and tasks change only while their play runs."""
    if play.state != Play.State.IN_PROGRESS:
        raise Refused(row, f"The play is not running: {Play.State(play.state).label.lower()}.")


def _write_steps(tenant: Tenant, play: Play, now: datetime) -> list[PlayStep]:
    today = local_day(tenant, now)
    return PlayStep.objects.bulk_create(
        PlayStep(
            tenant=tenant,
            play=play,
            position=step.position,
            kind=step.kind,
            title=step.title,
            details=step.details,
            due_date=today + timedelta(days=step.due_days),
            proposal=step.defaults,
        )
        for step in steps_of_playbook(tenant, playbook_id=play.playbook_id)
    )


def _write_tasks(tenant: Tenant, play: Play, steps: list[PlayStep], now: datetime) -> None:
    """One for each step that a person simply does; a concession is done by asking for it."""
    Task.objects.bulk_create(
        Task(
            tenant=tenant,
            account=play.account,
            step=step,
            title=step.title,
            assignee_id=play.owner_id,
            due_date=step.due_date,
            created_at=now,
        )
        for step in steps
        if step.kind != CONCESSION
    )


def _end(
    tenant: Tenant, play: Play, state: str, *, by: Actor, now: datetime, outcome: str, comment: str
) -> Play:
    steps = list(locks.steps_of(tenant, play))
    waiting = [step for step in steps if step.state == PlayStep.State.PENDING_APPROVAL]
    if waiting:
        ref = waiting[0].approval_ref
        raise Refused(play, f"{ref} still waits for an answer. Withdraw it first, or wait for the answer.")
    for step in steps:
        if step.state in PlayStep.UNFINISHED:
            step.state, step.remark = PlayStep.State.SKIPPED, "The play ended first."
            step.version += 1
    PlayStep.objects.bulk_update(steps, ["state", "remark", "version"])
    left = open_tasks_of_play(tenant, play_id=play.pk).update(state=Task.State.CANCELLED)
    before = {"state": play.state}
    play.state, play.outcome, play.closed_at = state, outcome, now
    play.version += 1
    play.save(update_fields=["state", "outcome", "closed_at", "version"])
    verb = "playbooks.play_closed" if state == Play.State.COMPLETED else "playbooks.play_cancelled"
    after = {"state": state, "outcome": outcome, "comment": comment.strip()[:1000], "tasks_left": left}
    record_play(tenant, play, verb=verb, by=by, before=before, after=after)
    return play


def _locked(tenant: Tenant, play_id: int, by: Actor) -> Play:
    play = locks.play_for_update(tenant, play_id)
    check_may_work(tenant, by=by, account_id=play.account_id)
    return play


def _is_repeat(play: Play, state: str, version: int) -> bool:
    return play.state == state and play.version == version + 1


def _check_runs(play: Play, version: int) -> None:
    check_version(play, version)
    check_in_progress(play, play)
