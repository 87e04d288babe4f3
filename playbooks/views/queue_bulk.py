"""One answer for several rows of the queue. Rows are named `id:version`; each is decided or refused by itself."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from playbooks import services
from playbooks.forms_queue import AnswerForm, DismissForm, SnoozeForm, is_id
from playbooks.queries.queue import chosen, midnight
from playbooks.services import RowResult
from playbooks.services.bulk import MOST_ROWS
from playbooks.services.queue_undo import bulk_undo
from playbooks.views import queue as pages
from tenants.access import Right, TenantRequest, tenant_view

DONE = {"accept": "accepted", "snooze": "snoozed", "dismiss": "dismissed", "undo": "taken back"}
Seen = list[tuple[int, int]]


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(right=Right.WORK_QUEUE)
def bulk(request: TenantRequest) -> HttpResponse:
    """The chosen rows as a page that asks for the answer; a POST gives it."""
    kind, items, form = _asked(request)
    if request.method != "POST":
        return render(request, "playbooks/queue/bulk.html", _context(request, kind, items, form))
    if not items:
        messages.warning(request, "Select accounts first.")
        return _to_list(request)
    if form is not None and not form.is_valid():
        alone = request.htmx  # type: ignore[attr-defined]
        template = "playbooks/queue/_bulk_form.html" if alone else "playbooks/queue/bulk.html"
        context = _context(request, kind, items, form) | {"in_popover": bool(alone)}
        return render(request, template, context, status=422)
    return _answer(request, kind, items, decide(request, kind, items, form))


@require_GET
@tenant_view(right=Right.WORK_QUEUE)
def bulk_popover(request: TenantRequest) -> HttpResponse:
    """The form alone, for the popover."""
    kind, items, form = _asked(request)
    context = _context(request, kind, items, form) | {"in_popover": True}
    return render(request, "playbooks/queue/_bulk_form.html", context)


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def undo_bulk(request: TenantRequest) -> HttpResponse:
    """Takes the answers back that the toast names in its address."""
    items = _items(request.GET.getlist("item"))
    return _answer(request, "undo", items, bulk_undo(request.tenant, rows=items, by=request.actor))


def decide(request: TenantRequest, kind: str, items: Seen, form: AnswerForm | None) -> list[RowResult]:
    tenant, by = request.tenant, request.actor
    if form is None:
        return services.bulk_accept(tenant, rows=items, by=by)
    reason = form.cleaned_data["reason"]
    if isinstance(form, SnoozeForm):
        return services.bulk_snooze(tenant, rows=items, until=form.until_day, reason=reason, by=by)
    comment = form.cleaned_data["comment"]
    return services.bulk_dismiss(tenant, rows=items, reason=reason, comment=comment, by=by)


def _asked(request: TenantRequest) -> tuple[str, Seen, AnswerForm | None]:
    is_post = request.method == "POST"
    sent = request.POST if is_post else request.GET
    kind = sent.get("action", "" if is_post else "accept")
    if kind not in {"accept", "snooze", "dismiss"}:
        raise BadRequest("Choose what to do with the selected accounts.")
    form: AnswerForm | None = None
    if kind == "snooze":
        form = SnoozeForm(request.POST or None, today=midnight(request.tenant).date())
    elif kind == "dismiss":
        form = DismissForm(request.POST or None)
    return kind, _items(sent.getlist("item")), form


def _items(texts: list[str]) -> Seen:
    pairs = [text.split(":") for text in texts]
    for pair in pairs:
        if len(pair) != 2 or not all(is_id(part) for part in pair):
            raise BadRequest("A selected row is not named as this list names it.")
    return [(int(one), int(version)) for one, version in pairs]


def _context(request: TenantRequest, kind: str, items: Seen, form: AnswerForm | None) -> dict[str, Any]:
    rows = chosen(request.tenant, request.membership, dict(items))
    return {
        "kind": kind,
        "form": form,
        "items": [f"{one}:{version}" for one, version in items],
        "names": [row.account.name for row in rows.values()],
        "too_many": MOST_ROWS if len(items) > MOST_ROWS else 0,
        "title": f"{kind.capitalize()} {plays(len(items)) if kind == 'accept' else accounts(len(items))}",
        "back": pages.back_of(request).urlencode(),
        "action": reverse("playbooks:bulk", args=[request.tenant.slug]),
    }


def _answer(request: TenantRequest, kind: str, items: Seen, results: list[RowResult]) -> HttpResponse:
    """The fresh list, what was done with its Undo, and by name what was refused and why."""
    done = [each.recommendation_id for each in results if each.ok]
    refused = _refusals(request, results)
    message = f"{plays(len(done)) if kind == 'accept' else accounts(len(done))} {DONE[kind]}."
    if not request.htmx:  # type: ignore[attr-defined]
        if done:
            messages.success(request, message)
        for name, why in refused:
            messages.warning(request, f"{name}: {why}")
        return _to_list(request)
    context = {
        **pages.list_context(request, pages.back_of(request)),
        "message": message,
        "has_done": bool(done),
        "refused": refused,
        "refused_word": DONE[kind],
        "undo_url": _undo_url(request, items, done) if kind != "undo" else "",
        "by_toast": kind == "undo",
    }
    return render(request, "playbooks/queue/_bulk_done.html", context)


def _refusals(request: TenantRequest, results: list[RowResult]) -> list[tuple[str, str]]:
    refused = [each for each in results if not each.ok]
    if not refused:
        return []
    rows = chosen(request.tenant, request.membership, [each.recommendation_id for each in refused])
    return [
        (
            rows[each.recommendation_id].account.name if each.recommendation_id in rows else "One account",
            each.message,
        )
        for each in refused
    ]


def _undo_url(request: TenantRequest, items: Seen, done: list[int]) -> str:
    """An answered row is one version on from what was read."""
    versions = dict(items)
    pairs = [("item", f"{one}:{versions[one] + 1}") for one in done]
    back = ("back", pages.back_of(request).urlencode())
    return f"{reverse('playbooks:undo_bulk', args=[request.tenant.slug])}?{urlencode([*pairs, back])}"


def _to_list(request: TenantRequest) -> HttpResponse:
    query = pages.back_of(request).urlencode()
    address = reverse("playbooks:queue", args=[request.tenant.slug])
    return HttpResponseRedirect(f"{address}?{query}" if query else address, status=303)


def plays(number: int) -> str:
    return f"{number} play{'' if number == 1 else 's'}"


def accounts(number: int) -> str:
    return f"{number} account{'' if number == 1 else 's'}"
