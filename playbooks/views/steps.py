"""What is done to one step of a play: asking for its concession, leaving it out."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from playbooks import services
from playbooks.forms import ConcessionForm, SkipForm
from playbooks.models import PlayStep
from playbooks.queries import plays as queries
from playbooks.queries.hints import Hints
from playbooks.views.answers import submit
from playbooks.views.plays import play_place, small
from tenants.access import TenantRequest, tenant_view
from tenants.roles import Right


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def ask(request: TenantRequest, step_id: int) -> HttpResponse:
    step = _step(request, step_id)
    form = ConcessionForm(step, request.POST)

    def send(values: dict[str, Any]) -> None:
        services.ask_concession(
            request.tenant,
            step_id=step_id,
            version=values["version"],
            proposal=form.proposal,
            why=values["why"],
            by=request.actor,
        )

    return submit(
        request,
        lambda: play_place(request, step.play_id),
        send,
        said="Sent for approval.",
        form=form,
        name=("ask", step_id),
    )


@require_GET
@tenant_view(right=Right.WORK_QUEUE)
def hint(request: TenantRequest, step_id: int) -> HttpResponse:
    """What the offer that is being typed would cost, and who would answer."""
    step = _step(request, step_id)
    proposal = {name: request.GET.get(name, "") for name in ("discount_pct", "months")}
    found = Hints(request.membership, account_id=step.play.account_id).hint(proposal)
    return render(request, "playbooks/plays/_hint.html", {"step": step, "hint": found})


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def skip(request: TenantRequest, step_id: int) -> HttpResponse:
    step = _step(request, step_id)
    form = SkipForm(step, request.POST)

    def leave_out(values: dict[str, Any]) -> None:
        services.skip_step(
            request.tenant,
            step_id=step_id,
            version=values["version"],
            reason=values["reason"],
            by=request.actor,
        )

    return submit(
        request,
        lambda: play_place(request, step.play_id),
        leave_out,
        said="Step left out.",
        form=form,
        name=("skip", step_id),
    )


def _step(request: TenantRequest, step_id: int) -> PlayStep:
    step = queries.step_seen(request.tenant, request.membership, step_id=small(step_id))
    if step is None:
        raise Http404("No such step.")
    return step
