"""Answers to rows of the queue: accept, snooze, dismiss, undo.

htmx gets the row's new state with what else changed on the page. Without it the browser goes back to the list (303),
which then shows the answer with its Undo.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account
from playbooks import services
from playbooks.exceptions import BadInput, Missing, StaleRow
from playbooks.forms_queue import AnswerForm, DismissForm, SnoozeForm, VersionForm
from playbooks.models import Recommendation
from playbooks.queries.queue import midnight
from playbooks.queries.queue_head import head_of
from playbooks.queries.recommendations import recommendation
from playbooks.views import queue as pages
from playbooks.views.queue_rows import line_of
from tenants.access import Right, TenantRequest, tenant_view

State = Recommendation.State


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def accept(request: TenantRequest, recommendation_id: int) -> HttpResponse:
    """Starts the suggested play once the time for Undo is over."""
    row = _found(request, recommendation_id)
    return _decide(
        request,
        row,
        lambda version: services.accept(
            request.tenant, recommendation_id=row.pk, version=version, by=request.actor
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(right=Right.WORK_QUEUE)
def snooze(request: TenantRequest, recommendation_id: int) -> HttpResponse:
    """The form as a page; a POST puts the suggestion away until the chosen day."""
    row = _found(request, recommendation_id)
    form = snooze_form(request, row)
    if request.method != "POST":
        return _form_page(request, "snooze", row, form)

    def put_away(version: int) -> None:
        services.snooze(
            request.tenant,
            recommendation_id=row.pk,
            version=version,
            until=form.until_day,
            reason=form.cleaned_data["reason"],
            by=request.actor,
        )

    return _decide_by_form(request, "snooze", row, form, put_away)


@require_GET
@tenant_view(right=Right.WORK_QUEUE)
def snooze_popover(request: TenantRequest, recommendation_id: int) -> HttpResponse:
    row = _found(request, recommendation_id)
    return _form_alone(request, "snooze", row, snooze_form(request, row))


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(right=Right.WORK_QUEUE)
def dismiss(request: TenantRequest, recommendation_id: int) -> HttpResponse:
    """The form as a page; a POST turns the suggestion down."""
    row = _found(request, recommendation_id)
    form = DismissForm(request.POST or None)
    if request.method != "POST":
        return _form_page(request, "dismiss", row, form)

    def turn_down(version: int) -> None:
        services.dismiss(
            request.tenant,
            recommendation_id=row.pk,
            version=version,
            reason=form.cleaned_data["reason"],
            comment=form.cleaned_data["comment"],
            by=request.actor,
        )

    return _decide_by_form(request, "dismiss", row, form, turn_down)


@require_GET
@tenant_view(right=Right.WORK_QUEUE)
def dismiss_popover(request: TenantRequest, recommendation_id: int) -> HttpResponse:
    return _form_alone(request, "dismiss", _found(request, recommendation_id), DismissForm())


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def undo(request: TenantRequest, recommendation_id: int) -> HttpResponse:
    """Takes the last answer back and shows the row as it was."""
    row = _found(request, recommendation_id)
    try:
        services.undo(request.tenant, recommendation_id=row.pk, version=_version(request), by=request.actor)
    except Missing as error:
        raise Http404(str(error)) from error
    except StaleRow as error:
        return _conflict(request, error)
    if not request.htmx:  # type: ignore[attr-defined]
        return _back(request)
    return _fresh_row(request, row.account, f"Taken back: {row.account.name}.")


# --- one answer ---------------------------------------------------------------------------------------


def _found(request: TenantRequest, recommendation_id: int) -> Recommendation:
    row = None
    if recommendation_id <= pages.MOST_ID:
        row = recommendation(request.tenant, request.membership, recommendation_id=recommendation_id)
    if row is None:
        raise Http404("No such suggestion.")
    return row


def _version(request: TenantRequest) -> int:
    """From the form, or from the address of a toast's Undo, which has no fields."""
    form = VersionForm({"version": request.POST.get("version") or request.GET.get("version")})
    if not form.is_valid():
        raise BadRequest("The form does not say which version of the row was read.")
    version: int = form.cleaned_data["version"]
    return version


def _decide(request: TenantRequest, row: Recommendation, act: Callable[[int], Any]) -> HttpResponse:
    try:
        act(_version(request))
    except Missing as error:
        raise Http404(str(error)) from error
    except StaleRow as error:
        return _conflict(request, error)
    if not request.htmx:  # type: ignore[attr-defined]
        return _back(request, decided=row.pk)
    line = line_of(request.tenant, _found(request, row.pk), back=pages.back_of(request).urlencode())
    return render(request, "playbooks/queue/_decided.html", {**_around(request), "line": line})


def _decide_by_form(
    request: TenantRequest, kind: str, row: Recommendation, form: AnswerForm, act: Callable[[int], Any]
) -> HttpResponse:
    """As `_decide`; what cannot be taken comes back as the form, 422, with the input kept."""
    if form.is_valid():
        try:
            return _decide(request, row, act)
        except BadInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    show = _form_alone if request.htmx else _form_page  # type: ignore[attr-defined]
    return show(request, kind, row, form, status=422)


def _conflict(request: TenantRequest, error: StaleRow) -> HttpResponse:
    """409 and how the row stands now, with who changed it."""
    message = changed_words(error)
    if request.htmx:  # type: ignore[attr-defined]
        return _fresh_row(request, error.row.account, message, status=409)
    context = pages.page_context(request, pages.back_of(request)) | {"problem": message}
    return render(request, "playbooks/queue/queue.html", context, status=409)


def changed_words(error: StaleRow) -> str:
    """ "Halden Logistics was accepted by Tom Okafor (CSM) 2 min ago." or why it cannot be done."""
    row = error.row
    if (
        type(error) is StaleRow
        and isinstance(row, Recommendation)
        and row.decided_at
        and row.decided_by_label
    ):
        state = State(row.state).label.lower()
        return f"{row.account.name} was {state} by {row.decided_by_label} {_ago(row.decided_at)}."
    return f"{row.account.name}: {error}"


def _ago(moment: datetime) -> str:
    minutes = int((timezone.now() - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"


def _fresh_row(request: TenantRequest, account: Account, message: str, *, status: int = 200) -> HttpResponse:
    context = {
        **_around(request),
        "row": pages.row_shown(request, account.pk),
        "account": account,
        "message": message,
        "is_conflict": status == 409,
        "by_toast": request.GET.get("from") == "toast",
    }
    return render(request, "playbooks/queue/_fresh.html", context, status=status)


def _around(request: TenantRequest) -> dict[str, Any]:
    """What changes beside the row: sentence, tabs, the number in the navigation."""
    wanted, _ = pages.wanted_of(request, pages.back_of(request))
    wanted = wanted.at_start()
    head = head_of(request.tenant, request.membership, wanted)
    return {
        **pages.rights(request),
        **pages.head_context(request, wanted, head),
        "columns": pages.columns(request, has_chances=bool(head.with_chance)),
        "back": pages.back_of(request).urlencode(),
    }


def _back(request: TenantRequest, **more: Any) -> HttpResponse:
    query = pages.back_of(request)
    query = query.copy()
    query.pop("decided", None)
    for name, value in more.items():
        query[name] = str(value)
    address = reverse("playbooks:queue", args=[request.tenant.slug])
    return HttpResponseRedirect(f"{address}?{query.urlencode()}" if query else address, status=303)


# --- the forms ------------------------------------------------------------------------------------------


def snooze_form(request: TenantRequest, row: Recommendation | None = None) -> SnoozeForm:
    shown = pages.row_shown(request, row.account_id) if row else None
    renewal = shown.standing.renewal_date if shown else None
    return SnoozeForm(request.POST or None, today=midnight(request.tenant).date(), renewal=renewal)


def _form_context(request: TenantRequest, kind: str, row: Recommendation, form: AnswerForm) -> dict[str, Any]:
    return {
        "kind": kind,
        "suggestion": row,
        "form": form,
        "version": request.POST.get("version") or row.version,
        "back": pages.back_of(request).urlencode(),
        "action": reverse(f"playbooks:{kind}", args=[request.tenant.slug, row.pk]),
        "target": f"#item-{row.account_id}",
        "title": f"{kind.capitalize()} {row.account.name}",
    }


def _form_alone(
    request: TenantRequest, kind: str, row: Recommendation, form: AnswerForm, *, status: int = 200
) -> HttpResponse:
    context = _form_context(request, kind, row, form) | {"in_popover": True}
    return render(request, "playbooks/queue/_answer_form.html", context, status=status)


def _form_page(
    request: TenantRequest, kind: str, row: Recommendation, form: AnswerForm, *, status: int = 200
) -> HttpResponse:
    context = _form_context(request, kind, row, form)
    return render(request, "playbooks/queue/answer.html", context, status=status)
