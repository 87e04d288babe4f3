"""The pages of health policies: versions, one version with its preview, and what can be done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from scoring import policies, policy_queries
from scoring.catalogue import BY_KEY
from scoring.exceptions import PolicyRefused
from scoring.models import HealthPolicy
from scoring.whatif.naming import money, seen_of
from tenants.access import Right, TenantRequest, tenant_view


def _policy(request: TenantRequest, policy_id: int) -> HealthPolicy:
    policy = policy_queries.policy(request.tenant, policy_id=policy_id) if policy_id < 2**63 else None
    if policy is None:
        raise Http404("No such policy version.")
    return policy


@require_GET
@tenant_view(right=Right.CONFIGURE)
def policy_list(request: TenantRequest) -> HttpResponse:
    """Every version of every segment, the one in force first."""
    return render(
        request, "scoring/policies/list.html", {"policies": policy_queries.all_policies(request.tenant)}
    )


@require_GET
@tenant_view(right=Right.CONFIGURE)
def policy_page(request: TenantRequest, policy_id: int) -> HttpResponse:
    policy = _policy(request, policy_id)
    rows = [(row, BY_KEY.get(row.indicator)) for row in policy_queries.rows_of(request.tenant, policy)]
    context: dict[str, Any] = {"policy": policy, "rows": rows, "states": HealthPolicy.State}
    preview = policy.preview or {}
    kept, replay = seen_of(request.tenant, request.membership, preview, preview.get("replay"))
    context |= {"preview": {**kept, "replay": replay} if kept else None, **money(request.membership)}
    return render(request, "scoring/policies/policy.html", context)


def _action(
    request: TenantRequest, policy_id: int, act: Callable[[], Any], done: str
) -> HttpResponseRedirect | HttpResponse:
    """Run one service; a refusal is told on the page where the button is."""
    _policy(request, policy_id)
    try:
        outcome = act()
    except PolicyRefused as error:
        messages.error(request, str(error))
        outcome = None
    else:
        messages.success(request, done)
    target = outcome.pk if isinstance(outcome, HealthPolicy) else policy_id
    return HttpResponseRedirect(reverse("scoring:policy", args=[request.tenant.slug, target]), status=303)


@require_POST
@tenant_view(right=Right.CONFIGURE)
def new_draft(request: TenantRequest, policy_id: int) -> HttpResponse:
    return _action(
        request,
        policy_id,
        lambda: policies.draft_from(request.tenant, policy_id=policy_id, by=request.actor),
        "The draft is open. Edit it, preview it, publish it.",
    )


@require_POST
@tenant_view(right=Right.CONFIGURE)
def preview(request: TenantRequest, policy_id: int) -> HttpResponse:
    return _action(
        request,
        policy_id,
        lambda: policies.ask_preview(request.tenant, policy_id=policy_id, by=request.actor),
        "The preview is being computed.",
    )


@require_POST
@tenant_view(right=Right.CONFIGURE)
def publish(request: TenantRequest, policy_id: int) -> HttpResponse:
    given = request.POST.get("row_version", "")
    row_version = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    return _action(
        request,
        policy_id,
        lambda: policies.publish(
            request.tenant, policy_id=policy_id, row_version=row_version, by=request.actor
        ),
        "Published. Scores are being computed with it.",
    )


@require_POST
@tenant_view(right=Right.CONFIGURE)
def roll_back(request: TenantRequest, policy_id: int) -> HttpResponse:
    return _action(
        request,
        policy_id,
        lambda: policies.roll_back(request.tenant, policy_id=policy_id, by=request.actor),
        "This version is in force again. Scores are being computed with it.",
    )


@require_POST
@tenant_view(right=Right.CONFIGURE)
def discard(request: TenantRequest, policy_id: int) -> HttpResponse:
    _policy(request, policy_id)
    try:
        policies.discard(request.tenant, policy_id=policy_id, by=request.actor)
    except PolicyRefused as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(
            reverse("scoring:policy", args=[request.tenant.slug, policy_id]), status=303
        )
    messages.success(request, "The draft is gone.")
    return HttpResponseRedirect(reverse("scoring:policies", args=[request.tenant.slug]), status=303)
