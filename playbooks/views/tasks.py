"""Tasks, wherever they are listed: on a play, among one's own, on an account. The form says where (`on`)."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import Account
from accounts.panels import panels
from accounts.queries import visible_account
from playbooks import services
from playbooks.forms import SeenVersion, TaskForm
from playbooks.models import Task
from playbooks.queries import plays as queries
from playbooks.views.answers import Context, Place, submit
from playbooks.views.plays import list_context, play_place, small, tasks_context
from playbooks.work_panel import KEY
from tenants.access import TenantRequest, tenant_view
from tenants.roles import Right


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def done(request: TenantRequest, task_id: int) -> HttpResponse:
    return _change(request, task_id, services.complete_task, said="Done.")


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def reopen(request: TenantRequest, task_id: int) -> HttpResponse:
    return _change(request, task_id, services.reopen_task, said="Open again.")


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def add(request: TenantRequest, account_id: int) -> HttpResponse:
    account = visible_account(request.tenant, request.membership, account_id=small(account_id))
    if account is None:
        raise Http404("No such account.")

    def write(values: dict[str, Any]) -> None:
        services.add_task(request.tenant, account_id=account_id, by=request.actor, **values)

    return submit(
        request,
        lambda: work_place(request, account),
        write,
        said="Task added.",
        form=TaskForm(request.POST),
        name="task",
    )


def _change(request: TenantRequest, task_id: int, service: Callable[..., Task], *, said: str) -> HttpResponse:
    task = queries.task_seen(request.tenant, request.membership, task_id=small(task_id))
    if task is None:
        raise Http404("No such task.")

    def change(values: dict[str, Any]) -> None:
        service(request.tenant, task_id=task_id, version=values["version"], by=request.actor)

    return submit(
        request, lambda: _place_of(request, task), change, said=said, form=SeenVersion(request.POST)
    )


def _place_of(request: TenantRequest, task: Task) -> Place:
    """Where the task was ticked; a task without a play cannot be on one."""
    on = request.POST.get("on", "")
    if on == "play" and task.step is not None:
        return play_place(request, task.step.play_id)
    return mine_place(request) if on == "mine" else work_place(request, task.account)


def mine_place(request: TenantRequest) -> Place:
    """One's own tasks on the list of plays."""

    def context(more: Context) -> Context:
        return {**list_context(request), **tasks_context(request)}

    return Place(
        address=reverse("playbooks:plays", args=[request.tenant.slug]),
        page="playbooks/plays/list.html",
        region="playbooks/plays/_my_tasks.html",
        context=context,
    )


def work_place(request: TenantRequest, account: Account) -> Place:
    """The panel of work on the account's page."""
    panel = panels[KEY]
    page = reverse("accounts:account", args=[request.tenant.slug, account.pk])

    def context(more: Context) -> Context:
        found = panel.context(request.tenant, request.membership, account)
        refused = {"task_form": more["forms"]["task"]} if "task" in more.get("forms", {}) else {}
        return {**found, **refused, "account": account, "panel": panel}

    return Place(
        address=f"{page}?panels=all#panel-{KEY}",
        page="accounts/panel_page.html",
        region=panel.template,
        context=context,
    )
