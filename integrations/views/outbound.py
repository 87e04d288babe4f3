"""Endpoints and the delivery log, for those who run the integrations."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.queries import visible_account
from integrations.exceptions import EndpointRefused, NotPossible, StaleVersion
from integrations.forms_outbound import DeliveryFilters, EndpointForm
from integrations.models import Connection, WriteIntent
from integrations.queries import outbound as queries
from integrations.services import endpoints as services
from integrations.services import outbound
from integrations.services.dispatch import MOST_ATTEMPTS
from jobs.paging import BadPlace, neighbours, newest_first
from tenants import fields
from tenants.access import Right, TenantRequest, ask_again, tenant_view

ELSEWHERE = "customers' data goes where the endpoint says"
STALE = "Somebody changed this endpoint meanwhile. This is how it stands now."
INTEGRATIONS = Right.INTEGRATIONS


# --- endpoints ----------------------------------------------------------------------------------


@require_GET
@tenant_view(right=INTEGRATIONS)
def endpoint_list(request: TenantRequest) -> HttpResponse:
    counts = queries.counts_by_endpoint(request.tenant)
    endpoints = [(each, counts.get(each.pk, {})) for each in queries.endpoints(request.tenant)]
    context = {
        "endpoints": endpoints,
        "default": queries.default_endpoint(request.tenant),
        "homeless": counts.get(None, {}).get("blocked", 0),
    }
    return render(request, "integrations/outbound/endpoints.html", context)


@ask_again(ELSEWHERE)
@require_http_methods(["GET", "POST"])
@tenant_view(right=INTEGRATIONS, whole=True)
def new_endpoint(request: TenantRequest) -> HttpResponse:
    """The form, and on success the endpoint's page with its secret: the only answer that ever shows it."""
    form = EndpointForm(request.POST or None, initial={"is_sandbox": request.tenant.is_sandbox})
    if request.method == "GET":
        return render(request, "integrations/outbound/endpoint_form.html", {"form": form})
    if form.is_valid():
        secret = services.new_secret()
        try:
            endpoint = services.create_endpoint(
                request.tenant, **form.values, secret=secret, by=request.actor
            )
        except EndpointRefused as error:
            form.add_error(error.field, error.words)
        else:
            return _page(request, endpoint, secret=secret)
    return render(request, "integrations/outbound/endpoint_form.html", {"form": form}, status=422)


@ask_again(ELSEWHERE)
@require_http_methods(["GET", "POST"])
@tenant_view(right=INTEGRATIONS, whole=True)
def edit_endpoint(request: TenantRequest, connection_id: int) -> HttpResponse:
    endpoint = _endpoint(request, connection_id)
    if request.method == "GET":
        return _edit_form(request, endpoint, EndpointForm.of(endpoint))
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _edit_form(request, endpoint, form, status=422)
    try:
        services.edit_endpoint(
            request.tenant,
            connection_id=connection_id,
            version=form.cleaned_data["version"] or 0,
            **form.values,
            by=request.actor,
        )
    except EndpointRefused as error:
        form.add_error(error.field, error.words)
        return _edit_form(request, endpoint, form, status=422)
    except StaleVersion:
        # the person's text stays; with the new version a second try overwrites knowingly
        kept = EndpointForm({**form.cleaned_data, "version": endpoint.version})
        return _edit_form(request, endpoint, kept, status=409, stale=True)
    messages.success(request, "Saved.")
    return _see_other("integrations:endpoint", request, connection_id)


@require_GET
@tenant_view(right=INTEGRATIONS)
def endpoint_page(request: TenantRequest, connection_id: int) -> HttpResponse:
    return _page(request, _endpoint(request, connection_id))


@require_POST
@tenant_view(right=INTEGRATIONS)
def pause_endpoint(request: TenantRequest, connection_id: int) -> HttpResponse:
    return _change(request, connection_id, services.pause_endpoint, "Paused. What is planned for it waits.")


@require_POST
@tenant_view(right=INTEGRATIONS)
def resume_endpoint(request: TenantRequest, connection_id: int) -> HttpResponse:
    return _change(request, connection_id, services.resume_endpoint, "Resumed. What waited is sent now.")


@ask_again("its secret signs what Holdfast sends")
@require_POST
@tenant_view(right=INTEGRATIONS, whole=True)
def rotate_secret(request: TenantRequest, connection_id: int) -> HttpResponse:
    """A new secret, shown in this answer alone; so this one is a page and no redirect."""
    endpoint = _endpoint(request, connection_id)
    secret = services.new_secret()
    try:
        endpoint = services.rotate_secret(
            request.tenant,
            connection_id=connection_id,
            version=_version(request),
            secret=secret,
            by=request.actor,
        )
    except StaleVersion:
        return _page(request, endpoint, problem=STALE, status=409)
    return _page(request, endpoint, secret=secret)


@require_POST
@tenant_view(right=INTEGRATIONS)
def test_endpoint(request: TenantRequest, connection_id: int) -> HttpResponse:
    endpoint = _endpoint(request, connection_id)
    try:
        intent = services.send_test(request.tenant, connection_id=connection_id, by=request.actor)
    except NotPossible as refusal:
        return _page(request, endpoint, problem=str(refusal), status=409)
    messages.success(request, "The test event is on its way. This page shows what becomes of it.")
    return _see_other("integrations:delivery", request, intent.pk)


def _change(
    request: TenantRequest, connection_id: int, service: Callable[..., Connection], said: str
) -> HttpResponse:
    endpoint = _endpoint(request, connection_id)
    try:
        service(request.tenant, connection_id=connection_id, version=_version(request), by=request.actor)
    except (StaleVersion, NotPossible) as refusal:
        problem = STALE if isinstance(refusal, StaleVersion) else str(refusal)
        return _page(request, endpoint, problem=problem, status=409)
    messages.success(request, said)
    return _see_other("integrations:endpoint", request, connection_id)


def _page(
    request: TenantRequest, endpoint: Connection, *, secret: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "endpoint": endpoint,
        "fits": endpoint.is_sandbox == request.tenant.is_sandbox,
        "is_default": queries.default_endpoint(request.tenant) == endpoint,
        "counts": queries.counts_by_endpoint(request.tenant).get(endpoint.pk, {}),
        "newest": list(queries.newest_of_endpoint(request.tenant, request.membership, endpoint)[:8]),
        "secret": secret,
        "problem": problem,
    }
    answer = render(request, "integrations/outbound/endpoint.html", context, status=status)
    answer.shown_once = bool(secret)  # type: ignore[attr-defined]  # kept for no repeat (tenants.idempotency)
    return answer


def _edit_form(
    request: TenantRequest,
    endpoint: Connection,
    form: EndpointForm,
    *,
    status: int = 200,
    stale: bool = False,
) -> HttpResponse:
    context = {"form": form, "endpoint": endpoint, "stale": stale}
    return render(request, "integrations/outbound/endpoint_form.html", context, status=status)


def _endpoint(request: TenantRequest, connection_id: int) -> Connection:
    endpoint = queries.endpoint(request.tenant, connection_id=connection_id)
    if endpoint is None:
        raise Http404("No such endpoint.")
    return endpoint


def _version(request: TenantRequest) -> int:
    """The version that the person saw; something else is as good as a stale one."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


# --- the delivery log ---------------------------------------------------------------------------


@require_GET
@tenant_view(right=INTEGRATIONS)
def delivery_list(request: TenantRequest) -> HttpResponse:
    context = _log(request)
    context["counts"] = queries.counts_by_state(request.tenant, request.membership)
    return render(request, "integrations/outbound/deliveries.html", context)


@require_GET
@tenant_view(right=INTEGRATIONS)
def delivery_rows(request: TenantRequest) -> HttpResponse:
    context = _log(request)
    response = render(request, "integrations/outbound/_rows.html", context)
    response.headers["HX-Push-Url"] = context["here"]
    return response


@require_GET
@tenant_view(right=INTEGRATIONS)
def delivery_page(request: TenantRequest, intent_id: int) -> HttpResponse:
    context = _delivery_context(request, _delivery(request, intent_id))
    return render(request, "integrations/outbound/delivery.html", context)


@require_GET
@tenant_view(right=INTEGRATIONS)
def delivery_details(request: TenantRequest, intent_id: int) -> HttpResponse:
    """The region of the page that changes; it asks for itself again while the write is under way."""
    context = _delivery_context(request, _delivery(request, intent_id))
    return render(request, "integrations/outbound/_delivery.html", context)


@require_POST
@tenant_view(right=INTEGRATIONS)
def replay_delivery(request: TenantRequest, intent_id: int) -> HttpResponse:
    return _act(request, intent_id, outbound.replay, "It is sent again now, under the same id.")


@require_POST
@tenant_view(right=INTEGRATIONS)
def cancel_delivery(request: TenantRequest, intent_id: int) -> HttpResponse:
    return _act(request, intent_id, outbound.cancel, "Cancelled. It will not be sent.")


def _log(request: TenantRequest) -> dict[str, Any]:
    """Filters and one page of deliveries, from the query string that both views share."""
    form = DeliveryFilters(request.GET)
    form.is_valid()
    chosen = {name: value for name, value in form.cleaned_data.items() if value}
    rows = queries.deliveries(request.tenant, request.membership, **chosen)
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    try:
        page = newest_first(rows, by=["id"], before=before, after=after)
    except BadPlace as error:
        raise Http404("No such page.") from error
    query = request.GET.urlencode()
    here = reverse("integrations:deliveries", args=[request.tenant.slug])
    return {
        "form": form,
        "chosen": chosen,
        "page": page,
        "here": f"{here}?{query}" if query else here,
        "places": neighbours(request, page, names=("integrations:deliveries", "integrations:delivery_rows")),
    }


def _delivery(request: TenantRequest, intent_id: int) -> WriteIntent:
    intent = queries.delivery(request.tenant, request.membership, intent_id=intent_id)
    if intent is None:
        raise Http404("No such delivery.")
    return intent


def _delivery_context(request: TenantRequest, intent: WriteIntent) -> dict[str, Any]:
    account = None
    if intent.account_id is not None:
        account = visible_account(request.tenant, request.membership, account_id=intent.account_id)
    attempts = list(queries.attempts_of(request.tenant, intent))
    ahead = queries.ahead_of(request.tenant, intent)
    return {
        "intent": intent,
        "account": account,
        "attempts": attempts[::-1],
        "sent": fields.shown(request.membership, intent.fields),
        "body": _shown_body(request, intent),
        "ahead": ahead,
        "is_sending": _is_sending(intent) and ahead is None,
        "most_attempts": MOST_ATTEMPTS,
        "may_replay": intent.state in outbound.REPLAYABLE,
        "may_cancel": intent.state in outbound.CANCELLABLE,
    }


def _shown_body(request: TenantRequest, intent: WriteIntent) -> str:
    """The exact text that is sent; for who may not see all of it, the same content with that covered."""
    body = outbound.body_of(intent)
    if not fields.covered_names(request.membership):
        return body
    return json.dumps(fields.shown(request.membership, json.loads(body)), ensure_ascii=False)


def _is_sending(intent: WriteIntent) -> bool:
    """Worth asking again in two seconds; a retry may be hours away, and a paused endpoint sends nothing."""
    active = intent.connection is not None and intent.connection.state == Connection.State.ACTIVE
    return intent.state == WriteIntent.State.LEASED or (intent.state == WriteIntent.State.READY and active)


def _act(
    request: TenantRequest, intent_id: int, service: Callable[..., WriteIntent], said: str
) -> HttpResponse:
    """Do it, and answer with the region (htmx) or the page (a plain form)."""
    _delivery(request, intent_id)
    status, tone = 200, ""
    try:
        service(request.tenant, intent_id=intent_id, by=request.actor)
    except NotPossible as refusal:
        status, tone, said = 409, "high", str(refusal)
    context = _delivery_context(request, _delivery(request, intent_id))
    if request.htmx:  # type: ignore[attr-defined]
        context |= {"said": said, "tone": tone}
        return render(request, "integrations/outbound/_delivery.html", context, status=status)
    if status == 409:
        context["problem"] = said
        return render(request, "integrations/outbound/delivery.html", context, status=409)
    messages.success(request, said)
    return _see_other("integrations:delivery", request, intent_id)


def _see_other(name: str, request: TenantRequest, row_id: int) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name, args=[request.tenant.slug, row_id]))
    response.status_code = 303
    return response
