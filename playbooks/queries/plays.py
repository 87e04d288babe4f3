"""Reads of plays, their steps and tasks."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.queries import visible_accounts
from playbooks.models import Play, PlayStep, Task
from playbooks.progress import Progress, group_steps
from scoring.models import AccountHealth
from tenants.models import Membership, Tenant


def standing_of(tenant: Tenant, *, account_id: int) -> AccountHealth | None:
    """Health, band, revenue and renewal of the account as last scored."""
    return AccountHealth.objects.for_tenant(tenant).filter(account_id=account_id).first()


def visible_plays(tenant: Tenant, viewer: Membership) -> QuerySet[Play]:
    """Plays on accounts that the viewer may see; those taken back before they started are not told of."""
    return (
        Play.objects.for_tenant(tenant)
        .filter(account__in=visible_accounts(tenant, viewer).values("pk"))
        .exclude(outcome=Play.UNDONE)
        .select_related("account", "playbook", "owner")
    )


def plays_shown(tenant: Tenant, viewer: Membership, *, view: str, today: date) -> QuerySet[Play]:
    """One tab of the list; in no order yet."""
    rows = visible_plays(tenant, viewer)
    if view == "ended":
        return rows.exclude(state__in=Play.OPEN)
    rows = rows.filter(state__in=Play.OPEN)
    if view == "late":
        late = PlayStep.objects.for_tenant(tenant).filter(
            play=OuterRef("pk"), state__in=PlayStep.UNFINISHED, due_date__lt=today
        )
        return rows.filter(Exists(late))
    return rows if view == "all" else rows.filter(owner_id=viewer.user_id)


def play_seen(tenant: Tenant, viewer: Membership, *, play_id: int) -> Play | None:
    """The play, also one that was taken back, if its account is visible."""
    return (
        Play.objects.for_tenant(tenant)
        .filter(pk=play_id, account__in=visible_accounts(tenant, viewer).values("pk"))
        .select_related("account", "playbook", "owner", "recommendation")
        .first()
    )


def play_with_steps(tenant: Tenant, viewer: Membership, *, play_id: int) -> tuple[Play, Progress] | None:
    """`play_seen` and how far it is: one statement, and a second while the play has no steps yet."""
    seen = visible_accounts(tenant, viewer).values("pk")
    beside = ("play__account", "play__playbook", "play__owner", "play__recommendation")
    rows = PlayStep.objects.for_tenant(tenant).filter(play_id=play_id, play__account__in=seen)
    steps = list(rows.select_related(*beside).order_by("position", "pk"))
    play = steps[0].play if steps else play_seen(tenant, viewer, play_id=play_id)
    return (play, Progress(tuple(steps))) if play else None


def steps_of_plays(tenant: Tenant, plays: Iterable[Play]) -> dict[int, Progress]:
    """How far each play is, in one query for all of them."""
    ids = [play.pk for play in plays]
    rows = PlayStep.objects.for_tenant(tenant).filter(play_id__in=ids).order_by("play_id", "position", "pk")
    return group_steps(ids, rows)


def tasks_of_play(tenant: Tenant, *, play_id: int) -> dict[int, Task]:
    """The task of each step."""
    rows = Task.objects.for_tenant(tenant).filter(step__play_id=play_id)
    return {task.step_id: task for task in rows if task.step_id is not None}


def my_tasks(tenant: Tenant, viewer: Membership) -> QuerySet[Task]:
    """What the viewer has to do, on accounts still visible to them; what is due first comes first."""
    return (
        Task.objects.for_tenant(tenant)
        .filter(
            assignee_id=viewer.user_id,
            state=Task.State.OPEN,
            account__in=visible_accounts(tenant, viewer).values("pk"),
        )
        .select_related("account", "step__play__playbook")
        .order_by("due_date", "pk")
    )


def tasks_of_account(tenant: Tenant, *, account_id: int, done_since: date) -> QuerySet[Task]:
    """Open tasks, and those done lately, of an account that the caller found visible."""
    return (
        Task.objects.for_tenant(tenant)
        .filter(account_id=account_id)
        .filter(Q(state=Task.State.OPEN) | Q(state=Task.State.DONE, done_at__date__gte=done_since))
        .select_related("assignee", "step")
        .order_by("-state", "due_date", "pk")
    )


def open_plays_of_account(tenant: Tenant, *, account_id: int) -> list[Play]:
    """What runs on an account that the caller found visible, newest first."""
    return list(
        Play.objects.for_tenant(tenant)
        .filter(account_id=account_id, state__in=Play.OPEN)
        .select_related("playbook", "owner", "account")
        .order_by("-pk")
    )


def step_seen(tenant: Tenant, viewer: Membership, *, step_id: int) -> PlayStep | None:
    return (
        PlayStep.objects.for_tenant(tenant)
        .filter(pk=step_id, play__account__in=visible_accounts(tenant, viewer).values("pk"))
        .select_related("play__account", "play__playbook")
        .first()
    )


def task_seen(tenant: Tenant, viewer: Membership, *, task_id: int) -> Task | None:
    return (
        Task.objects.for_tenant(tenant)
        .filter(pk=task_id, account__in=visible_accounts(tenant, viewer).values("pk"))
        .select_related("step", "account")
        .first()
    )


def open_tasks_of_play(tenant: Tenant, *, play_id: int) -> QuerySet[Task]:
    return Task.objects.for_tenant(tenant).filter(step__play_id=play_id, state=Task.State.OPEN)


def open_tasks_of_step(tenant: Tenant, *, step_id: int) -> QuerySet[Task]:
    return Task.objects.for_tenant(tenant).filter(step_id=step_id, state=Task.State.OPEN)


def steps_of_intents(tenant: Tenant, intent_ids: Iterable[int]) -> dict[int, int]:
    """Which step asked for each of these writes."""
    rows = PlayStep.objects.for_tenant(tenant).filter(intent_id__in=list(intent_ids))
    return {intent: step for intent, step in rows.values_list("intent_id", "pk") if intent is not None}
