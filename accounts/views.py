"""The list of accounts, the account page and its panels, search, notes, shares and opened bodies."""

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts import clock, lists, panels, services, timeline
from accounts.exceptions import AccountError, CannotShare, NotVisible
from accounts.forms import ListFilters, NoteForm
from accounts.models import Account
from accounts.page_panels import share_context
from accounts.queries import visible_account
from tenants.access import TenantRequest, can, tenant_view
from tenants.roles import Right

KEYS = [("O", "override"), ("T", "task"), ("G E", "evidence")]


def _account(request: TenantRequest, account_id: int) -> Account:
    if account_id >= 2**63:
        raise Http404
    account = visible_account(request.tenant, request.membership, account_id=account_id)
    if account is None:
        raise Http404("No such account.")
    return account


# --- the list ---------------------------------------------------------------------------------


@require_GET
@tenant_view()
def account_list(request: TenantRequest) -> HttpResponse:
    return render(request, "accounts/list.html", _list_context(request))


@require_GET
@tenant_view()
def account_rows(request: TenantRequest) -> HttpResponse:
    return render(request, "accounts/_rows.html", _list_context(request))


def _list_context(request: TenantRequest) -> dict[str, Any]:
    """Filters and one page of accounts, from the query string that both views share."""
    form = ListFilters(request.GET)
    chosen = form.chosen()
    accounts = lists.filtered(request.tenant, request.membership, chosen=chosen)
    try:
        page = lists.page_of(
            accounts, after=request.GET.get("after", ""), before=request.GET.get("before", "")
        )
    except lists.BadCursor as error:
        raise BadRequest(str(error)) from error
    return {"form": form, "chosen": chosen, "page": page, **_pages(request, page, chosen)}


def _pages(request: TenantRequest, page: lists.Page, chosen: dict[str, str]) -> dict[str, str]:
    """Addresses of the newer and the older page, each for the whole page and for its rows alone."""
    addresses = {}
    for name, key, cursor in (("newer", "before", page.newer), ("older", "after", page.older)):
        query = request.GET.copy()
        query.clear()
        query.update({**chosen, key: cursor})
        for kind, view in (("", "accounts:list"), ("_rows", "accounts:rows")):
            address = f"{reverse(view, args=[request.tenant.slug])}?{query.urlencode()}"
            addresses[f"{name}{kind}"] = address if cursor else ""
    return addresses


# --- search -----------------------------------------------------------------------------------


@require_GET
@tenant_view()
def search_page(request: TenantRequest) -> HttpResponse:
    return render(request, "accounts/search.html", _search_context(request, at_most=50))


@require_GET
@tenant_view()
def search_results(request: TenantRequest) -> HttpResponse:
    return render(request, "accounts/_results.html", _search_context(request, at_most=8))


def _search_context(request: TenantRequest, *, at_most: int) -> dict[str, Any]:
    words = request.GET.get("q", "")[:200].replace("\x00", "").strip()
    found = lists.search(request.tenant, request.membership, words=words, at_most=at_most)
    return {"words": words, "found": found}


# --- one account ------------------------------------------------------------------------------


@require_GET
@tenant_view()
def account_page(request: TenantRequest, account_id: int) -> HttpResponse:
    """Head and first panels at once; the rest comes when it is scrolled to, or all at once with ?panels=all."""
    account = _account(request, account_id)
    everything = request.GET.get("panels") == "all"
    shown: dict[str, list[Any]] = {"head": [], "main": [], "rail": []}
    for panel in panels.in_order():
        if can(request.membership, panel.right):
            is_asked = everything or any(request.GET.get(name) for name in panel.narrows[:1])
            html = None if panel.lazy and not is_asked else _panel_html(request, panel, account)
            shown[panel.column].append((panel, html))
    context = {
        "account": account,
        "columns": shown,
        "everything": everything,
        "as_of": clock.as_of(request.tenant),
    }
    return render(request, "accounts/account.html", {**context, "keys_help": KEYS})


@require_GET
@tenant_view()
def panel(request: TenantRequest, account_id: int, key: str) -> HttpResponse:
    """One panel alone, at its own address."""
    found = panels.panels.get(key)
    if found is None or not can(request.membership, found.right):
        raise Http404("No such panel.")
    return HttpResponse(_panel_html(request, found, _account(request, account_id)))


def _panel_html(request: TenantRequest, panel: panels.Panel, account: Account) -> str:
    asked = [request.GET.get(name, "") for name in panel.narrows]
    context = panel.context(request.tenant, request.membership, account, *asked)
    return render_to_string(panel.template, {**context, "account": account, "panel": panel}, request=request)


@require_GET
@tenant_view()
def evidence(request: TenantRequest, account_id: int) -> HttpResponse:
    """A further page of the timeline: the lines, and the button for the next page."""
    account = _account(request, account_id)
    return render(request, "accounts/_evidence.html", timeline_context(request, account))


def timeline_context(request: TenantRequest, account: Account) -> dict[str, Any]:
    group = request.GET.get("kind", "")
    group = group if group in timeline.GROUPS else ""
    before = request.GET.get("before", "")
    try:
        lines, older = timeline.entries(request.tenant, account, group=group, before=before)
    except timeline.BadCursor as error:
        raise BadRequest(str(error)) from error
    return {"account": account, "lines": lines, "older": older, "group": group, "groups": timeline.GROUPS}


@require_POST
@tenant_view(right=Right.OPEN_BODIES)
def open_body(request: TenantRequest, account_id: int, kind: str, evidence_id: int) -> HttpResponse:
    """The restricted text of one call, mail or ticket; the opening is logged."""
    try:
        body = services.open_body(
            request.tenant, account_id=account_id, kind=kind, evidence_id=evidence_id, by=request.actor
        )
    except NotVisible as error:
        raise Http404(str(error)) from error
    context = {"body": body, "account": _account(request, account_id), "kind": kind}
    answer = render(
        request, "accounts/_body.html" if getattr(request, "htmx", False) else "accounts/body.html", context
    )
    answer.shown_once = True  # type: ignore[attr-defined]  # kept for no repeat (tenants.idempotency)
    return answer


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def add_note(request: TenantRequest, account_id: int) -> HttpResponse:
    account = _account(request, account_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        services.add_note(
            request.tenant, account_id=account.pk, text=form.cleaned_data["text"], by=request.actor
        )
    return _answer(request, account, "notes", {"note_form": form}, form.is_valid(), "Note saved.")


@require_POST
@tenant_view(right=Right.SHARE_ACCOUNTS)
def share(request: TenantRequest, account_id: int) -> HttpResponse:
    account = _account(request, account_id)
    form = share_context(request.tenant, request.membership, account, data=request.POST)["share_form"]
    if form.is_valid():
        try:
            services.share_account(
                request.tenant,
                account_id=account.pk,
                member_id=int(form.cleaned_data["member"]),
                reason=form.cleaned_data["reason"],
                by=request.actor,
            )
        except AccountError as error:
            form.add_error(None, str(error))
    return _answer(request, account, "sharing", {"share_form": form}, form.is_valid(), "Shared.")


@require_POST
@tenant_view(right=Right.SHARE_ACCOUNTS)
def unshare(request: TenantRequest, account_id: int, share_id: int) -> HttpResponse:
    account = _account(request, account_id)
    try:
        services.unshare_account(request.tenant, account_id=account.pk, share_id=share_id, by=request.actor)
    except CannotShare as error:
        raise PermissionDenied(str(error)) from error
    return _answer(request, account, "sharing", {}, True, "The share has ended.")


def _answer(
    request: TenantRequest, account: Account, key: str, refused: dict[str, Any], is_done: bool, message: str
) -> HttpResponse:
    """After a form of a panel: the fresh panel and a toast to htmx, else back to the page; 422 keeps the input."""
    panel = panels.panels[key]
    if is_done and not getattr(request, "htmx", False):
        page = reverse("accounts:account", args=[request.tenant.slug, account.pk])
        return HttpResponseRedirect(f"{page}?panels=all#panel-{key}", status=303)
    context = panel.context(request.tenant, request.membership, account)
    context |= {"account": account, "panel": panel, **({} if is_done else refused)}
    if is_done:
        return render(request, "accounts/_panel_done.html", {**context, "toast_text": message})
    if getattr(request, "htmx", False):
        return render(request, panel.template, context, status=422)
    return render(request, "accounts/panel_page.html", context, status=422)
