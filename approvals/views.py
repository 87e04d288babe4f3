"""The approver's inbox: the list on the left, one request in the middle, the answer on the right.

Reading needs the right to see what accounts pay, because every request tells it.
"""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from approvals import queries, services
from approvals.exceptions import RequestClosed
from approvals.forms import AnswerForm, InboxFilters
from approvals.inbox import Inbox, NotHere
from approvals.models import ApprovalRequest
from approvals.paging import BadPlace
from tenants.access import Right, TenantRequest, tenant_view

SAID = {
    "approved": "Approved.",
    "rejected": "Rejected.",
    "changes_requested": "Sent back for changes.",
    "pending": "Approved. It waits for the next answer now.",
}


@require_GET
@tenant_view(right=Right.SEE_ARR)
def inbox(request: TenantRequest) -> HttpResponse:
    return _page(request, request.GET.get("r", ""))


@require_GET
@tenant_view(right=Right.SEE_ARR)
def request_page(request: TenantRequest, ref: str) -> HttpResponse:
    """A request at its own address: the same page with this one open."""
    return _page(request, ref)


@require_GET
@tenant_view(right=Right.SEE_ARR)
def rows(request: TenantRequest) -> HttpResponse:
    """The list alone."""
    here, current = _inbox(request), request.GET.get("r", "")
    try:
        context = here.listed(current)
    except BadPlace as error:
        raise Http404("No such page.") from error
    response = render(request, "approvals/_list.html", context)
    response.headers["HX-Push-Url"] = here.url(current, before=here.before, after=here.after)
    return response


@require_GET
@tenant_view(right=Right.SEE_ARR)
def panel(request: TenantRequest, ref: str) -> HttpResponse:
    """One request alone, with the list's lines of it and of the one that was open before (`was`)."""
    here, was = _inbox(request), request.GET.get("was", "")
    found = _found(here, [ref, was])
    lines = [here.line(each, current=each.ref == ref) for each in found.values()]
    context = {**here.opened(found[ref]), "lines": lines, "fresh": True}
    return render(request, "approvals/_opened.html", context)


@require_POST
@tenant_view(right=Right.DECIDE)
def answer(request: TenantRequest, ref: str) -> HttpResponse:
    """One person's answer; what it came to stands in the request's own region."""
    here = _inbox(request)
    before = _found(here, [ref])[ref]
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _again(request, here, before, form=form, status=422)
    try:
        decided = services.decide(request.tenant, ref=ref, by=request.actor, **form.cleaned_data)
    except RequestClosed as refusal:
        now = here.read([ref])[ref]
        kept = AnswerForm({**request.POST.dict(), "digest": now.digest})
        return _again(request, here, now, form=kept, conflict=str(refusal), status=409)
    return _done(request, here, ref, f"{ref}: {SAID[decided.state]}")


@require_POST
@tenant_view(right=Right.SEE_ARR)
def withdraw(request: TenantRequest, ref: str) -> HttpResponse:
    """The requester takes the question back."""
    here = _inbox(request)
    _found(here, [ref])
    try:
        services.withdraw(request.tenant, ref=ref, by=request.actor)
    except RequestClosed as refusal:
        return _again(request, here, here.read([ref])[ref], conflict=str(refusal), status=409)
    return _done(request, here, ref, f"{ref}: Withdrawn.")


def _inbox(request: TenantRequest) -> Inbox:
    places = {name: request.GET.get(name, "") for name in ("before", "after")}
    return Inbox(request.membership, InboxFilters(request.GET), **places)


def _page(request: TenantRequest, ref: str, *, status: int = 200, **rest: Any) -> HttpResponse:
    try:
        context = _inbox(request).whole(ref, **rest)
    except (NotHere, BadPlace) as error:
        raise Http404("No such request.") from error
    return render(request, "approvals/inbox.html", context, status=status)


def _found(here: Inbox, refs: list[str]) -> dict[str, ApprovalRequest]:
    try:
        return here.read(refs)
    except NotHere as error:
        raise Http404("No such request.") from error


def _again(
    request: TenantRequest,
    here: Inbox,
    now: ApprovalRequest,
    *,
    status: int,
    form: AnswerForm | None = None,
    conflict: str = "",
) -> HttpResponse:
    """The request as it stands, with the person's words kept: after a fault (422) or a change (409)."""
    if not request.htmx:  # type: ignore[attr-defined]
        return _page(request, now.ref, form=form, conflict=conflict, status=status)
    context = {**here.opened(now, form=form, conflict=conflict), "fresh": True}
    if conflict:
        context["lines"] = [here.line(now, current=True)]
    return render(request, "approvals/_opened.html", context, status=status)


def _done(request: TenantRequest, here: Inbox, ref: str, said: str) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, said)
        response = HttpResponseRedirect(here.url(ref))
        response.status_code = 303
        return response
    now = here.read([ref])[ref]
    context = {
        **here.opened(now),
        "lines": [here.line(now, current=True)],
        "summary": queries.summary(request.tenant, request.membership, now=here.reader.now),
        "said": said,
        "fresh": True,
    }
    return render(request, "approvals/_opened.html", context)
