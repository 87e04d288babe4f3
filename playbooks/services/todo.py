"""Ticking tasks off, taking that back, adding some by hand, and skipping a step. A step goes with its task."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from audit import services as audit
from playbooks.exceptions import BadInput, Missing, Refused
from playbooks.models import Play, PlayStep, Task
from playbooks.queries import locks
from playbooks.queries.plays import open_tasks_of_step
from playbooks.queries.recommendations import known_accounts
from playbooks.services.guards import check_may_work, check_version, local_day
from playbooks.services.plays import check_in_progress
from playbooks.services.trail import naming, record_play
from tenants.access import Actor
from tenants.models import Tenant

LONGEST_TITLE = 300


@transaction.atomic
def complete_task(
    tenant: Tenant, *, task_id: int, version: int, by: Actor, now: datetime | None = None
) -> Task:
    """Tick the task off, and with it the step that it does."""
    now = now or timezone.now()
    play, step, task = _locked(tenant, task_id, by)
    if _is_repeat(task, Task.State.DONE, version):
        return task
    _check_can_change(play, task, version, expected=Task.State.OPEN, otherwise="This task is no longer open.")
    _set(task, Task.State.DONE, by=by, now=now)
    if step is not None:
        step.state, step.done_at, step.done_by_label = PlayStep.State.DONE, now, by.label[:300]
        _save_step(step)
    _record(tenant, play, step, task, verb="playbooks.task_done", by=by)
    if play is not None and step is not None:
        record_play(tenant, play, verb="playbooks.step_done", by=by, after=naming(step, state=step.state))
    return task


@transaction.atomic
def reopen_task(
    tenant: Tenant, *, task_id: int, version: int, by: Actor, now: datetime | None = None
) -> Task:
    """It was not done after all; its step is open again too."""
    play, step, task = _locked(tenant, task_id, by)
    if _is_repeat(task, Task.State.OPEN, version):
        return task
    _check_can_change(play, task, version, expected=Task.State.DONE, otherwise="This task was not done.")
    _set(task, Task.State.OPEN, by=by, now=None)
    if step is not None:
        step.state, step.done_at, step.done_by_label = PlayStep.State.OPEN, None, ""
        _save_step(step)
    _record(tenant, play, step, task, verb="playbooks.task_reopened", by=by)
    return task


@transaction.atomic
def add_task(
    tenant: Tenant,
    *,
    account_id: int,
    title: str,
    due_date: date,
    by: Actor,
    form_key: str = "",
    now: datetime | None = None,
) -> Task:
    """A task by hand, for whoever adds it. A form that is sent twice (`form_key`) makes one task."""
    now = now or timezone.now()
    account = known_accounts(tenant, [account_id]).get(account_id)
    check_may_work(tenant, by=by, account_id=account_id)
    if account is None:
        raise Missing
    title = " ".join(title.split())
    if not title:
        raise BadInput("title", "Say what is to be done.")
    if len(title) > LONGEST_TITLE:
        raise BadInput("title", f"{LONGEST_TITLE} characters are the most.")
    if due_date < local_day(tenant, now):
        raise BadInput("due_date", "Choose today or a later day.")
    values = {
        "account": account,
        "title": title,
        "due_date": due_date,
        "assignee": by.user,
        "created_at": now,
    }
    task, is_new = _create_once(tenant, form_key, values)
    if is_new:
        _record(tenant, None, None, task, verb="playbooks.task_added", by=by, due_date=due_date)
    return task


@transaction.atomic
def skip_step(
    tenant: Tenant, *, step_id: int, version: int, reason: str, by: Actor, now: datetime | None = None
) -> PlayStep:
    """Leave a step out, and say why; its task goes from the lists."""
    play, step = locks.step_for_update(tenant, step_id)
    check_may_work(tenant, by=by, account_id=play.account_id)
    if step.state == PlayStep.State.SKIPPED and step.version == version + 1:
        return step
    check_version(step, version)
    check_in_progress(play, step)
    if step.state not in PlayStep.UNFINISHED:
        raise Refused(
            step, f"This step is {PlayStep.State(step.state).label.lower()}; it cannot be left out."
        )
    reason = reason.strip()
    if not reason:
        raise BadInput("reason", "Say why it is left out.")
    step.state, step.remark = PlayStep.State.SKIPPED, reason[:1000]
    _save_step(step)
    open_tasks_of_step(tenant, step_id=step.pk).update(state=Task.State.CANCELLED)
    record_play(tenant, play, verb="playbooks.step_skipped", by=by, after=naming(step, reason=step.remark))
    return step


def _create_once(tenant: Tenant, form_key: str, values: dict[str, Any]) -> tuple[Task, bool]:
    if not form_key:
        return Task.objects.create(tenant=tenant, **values), True
    tasks = Task.objects.for_tenant(tenant).select_related("account")
    task, is_new = tasks.get_or_create(tenant=tenant, form_key=form_key, defaults=values)
    if task.account_id != values["account"].pk:
        raise BadInput("title", "This form was used for another account. Open it again.")
    return task, is_new


def _locked(tenant: Tenant, task_id: int, by: Actor) -> tuple[Play | None, PlayStep | None, Task]:
    play, step, task = locks.task_for_update(tenant, task_id)
    check_may_work(tenant, by=by, account_id=task.account_id)
    return play, step, task


def _is_repeat(task: Task, state: str, version: int) -> bool:
    return task.state == state and task.version == version + 1


def _check_can_change(play: Play | None, task: Task, version: int, *, expected: str, otherwise: str) -> None:
    check_version(task, version)
    if task.state != expected:
        raise Refused(task, otherwise)
    if play is not None:
        check_in_progress(play, task)


def _set(task: Task, state: str, *, by: Actor, now: datetime | None) -> None:
    task.state, task.done_at = state, now
    task.done_by_label = by.label[:300] if now else ""
    task.version += 1
    task.save(update_fields=["state", "done_at", "done_by_label", "version"])


def _save_step(step: PlayStep) -> None:
    step.version += 1
    step.save(update_fields=["state", "remark", "done_at", "done_by_label", "version"])


def _record(
    tenant: Tenant, play: Play | None, step: PlayStep | None, task: Task, *, verb: str, by: Actor, **more: Any
) -> None:
    after = {"task": task.title, "state": task.state, **more}
    if play is not None and step is not None:
        record_play(tenant, play, verb=verb, by=by, after=naming(step, **after))
        return
    account: Account = task.account
    audit.record(
        tenant,
        verb=verb,
        by=by,
        object_type="playbooks.task",
        object_id=str(task.pk),
        object_label=account.name,  # the title, which somebody typed, stands in `after` where it can be erased
        account_id=account.pk,
        after=after,
    )
