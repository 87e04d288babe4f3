"""The queue: the page, its rows alone, the why-drawer and the export. Answers to rows are in `queue_answers`."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from playbooks.forms_queue import QueueFilters, is_id
from playbooks.queries import queue, queue_page, queue_why
from playbooks.queries.queue import COUNT_CAP, SORTS, BadPlace, View, Wanted
from playbooks.queries.queue_head import Head, head_of
from playbooks.queries.recommendations import recommendation
from playbooks.services.queue_export import export_queue
from playbooks.views.queue_rows import Line, Row, line_of, row_of
from scoring.people import feedback, notices
from scoring.why.sources import place_of
from tenants import nav
from tenants.access import Right, Role, TenantRequest, ask_again, can, tenant_view
from tenants.fields import Field, sees

KEYS = [
    ("J K", "move"), ("Space", "why"), ("A", "accept"), ("S", "snooze"), ("D", "dismiss"), ("X", "select"),
    ("Shift X", "select to here"), ("U", "undo"), ("Enter", "open"), ("1–6", "view"),
]  # fmt: skip
READER_KEYS = [("J K", "move"), ("Space", "why"), ("Enter", "open"), ("1–5", "view")]
HEADINGS = {Role.CSM: "My queue", Role.MANAGER: "Team queue"}
LONGEST_ADDRESS = 2000
MOST_ID = 2**63 - 1
NOTICES_SHOWN = 3
SHOWN_FOR = timedelta(minutes=2)


@require_GET
@tenant_view()
def page(request: TenantRequest) -> HttpResponse:
    return render(request, "playbooks/queue/queue.html", page_context(request, request.GET))


@require_GET
@tenant_view()
def rows(request: TenantRequest) -> HttpResponse:
    """The list alone. The browser's address follows as the page's, so that a reload shows the same."""
    context = list_context(request, request.GET)
    answer = render(request, "playbooks/queue/_rows.html", context)
    answer.headers["HX-Push-Url"] = context["here"]
    return answer


@require_GET
@tenant_view()
def why(request: TenantRequest, account_id: int) -> HttpResponse:
    """The drawer under a row; `?hide=1` gives the closed one."""
    row = row_shown(request, account_id)
    if row is None:
        raise Http404("No such account in the queue.")
    context: dict[str, Any] = {
        **rights(request),
        "row": row,
        "is_open": "hide" not in request.GET,
        "columns": columns(request, has_chances=row.has_chances),
    }
    if context["is_open"]:
        context["why"] = queue_why.why(request.tenant, row.standing)
        context |= _answers(row)
        if row.suggestion:
            context["steps"] = queue_why.steps_of(request.tenant, row.suggestion.playbook_id)
    return render(request, "playbooks/queue/_why.html", context)


def _answers(row: Row) -> dict[str, Any]:
    """Each reason with what the viewer said of it, and the same for the suggested play."""
    mine = feedback.read_answers(row.standing.answers)  # type: ignore[attr-defined]
    play = str(row.suggestion.playbook_id) if row.suggestion else ""
    return {
        "reasons": [(each, mine.get(("reason", each.key))) for each in row.reasons],
        "up": [_judged(each, mine) for each in row.up],
        "down": [_judged(each, mine) for each in row.down],
        "suggestion_answer": mine.get(("recommendation", play)),
    }


def _judged(found: dict[str, Any], mine: dict[tuple[str, str], Any]) -> tuple[dict[str, Any], str, Any]:
    """A reason of the chance, where its rows are, and what the viewer said of it."""
    key, day = str(found["key"]), found.get("day")
    return found, place_of(key, date.fromisoformat(day) if day else None), mine.get(("reason", key))


@ask_again("what is exported leaves the product")
@require_POST
@tenant_view(right=Right.EXPORT)
def export(request: TenantRequest) -> HttpResponse:
    """The current list as a file; a POST, because it writes a line in the event log."""
    wanted, _ = wanted_of(request, back_of(request))
    text = export_queue(
        request.tenant,
        request.membership,
        wanted=wanted.at_start(),
        by=request.actor,
        request_id=getattr(request, "request_id", ""),
    )
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="queue-{wanted.view}.csv"'
    return answer


# --- what the templates get -------------------------------------------------------------------------


def page_context(request: TenantRequest, query: QueryDict) -> dict[str, Any]:
    """Everything of the page: the list, its filters with their choices, and how fresh it is."""
    tenant, viewer = request.tenant, request.membership
    context = list_context(request, query)
    may_work = can(viewer, Right.WORK_QUEUE)
    owners = queue.owners(tenant, viewer) if queue.may_choose_owner(viewer) else None
    return context | {
        "line": _last_answer(request, query, context["back"]),
        "form": QueueFilters(
            query, viewer=viewer, owners=owners, with_chance=bool(context["head"].with_chance)
        ),
        "notices": notices.newest(tenant, viewer)[:NOTICES_SHOWN],
        "heading": HEADINGS.get(Role(viewer.role), "Queue"),
        "rows_url": reverse("playbooks:queue_rows", args=[tenant.slug]),
        "keys_help": KEYS if may_work else READER_KEYS,
    }


def _last_answer(request: TenantRequest, query: QueryDict, back: str) -> Line | None:
    """What the reader decided a moment ago, sent without JavaScript: the page shows it with its Undo."""
    text = query.get("decided", "")
    if not is_id(text):
        return None
    row = recommendation(request.tenant, request.membership, recommendation_id=int(text))
    if row is None or row.decided_by_id != request.membership.user_id or row.decided_at is None:
        return None
    is_recent = timezone.now() - row.decided_at < SHOWN_FOR
    return line_of(request.tenant, row, back=back) if is_recent else None


def list_context(request: TenantRequest, query: QueryDict) -> dict[str, Any]:
    """The list and its head, from the query string that page and partial share."""
    tenant, viewer = request.tenant, request.membership
    wanted, form = wanted_of(request, query)
    try:
        head = head_of(tenant, viewer, wanted)
    except BadPlace as error:
        raise BadRequest(str(error)) from error
    found = queue_page.page(tenant, viewer, wanted, head)
    freshness = nav.freshness_for(tenant, viewer)
    shown = [row_of(tenant, viewer, each, as_of=head.as_of) for each in found.rows]
    has_chances = any(row.has_chances for row in shown)
    return {
        **rights(request),
        **head_context(request, wanted, head),
        "freshness": freshness,
        "late": freshness.late[0] if freshness and freshness.late else "",
        "page": found,
        "rows": shown,
        "has_chances": has_chances,
        "pager": _pager(request, wanted, found),
        "chips": [
            {"text": text, "url": address(request, wanted.at_start(), **{name: getattr(Wanted, name)})}
            for name, text in form.chips(wanted, owner_name=head.owner_name)
        ],
        "chips_text": ", ".join(text for _, text in form.chips(wanted, owner_name=head.owner_name)) + ".",
        "done_text": _done_text(head),
        "clear_url": address(request, Wanted(view=wanted.view, sort=wanted.sort)),
        "heads": {key: address(request, wanted.at_start(), sort=key) for key in SORTS},
        "columns": columns(request, has_chances=has_chances),
    }


def head_context(request: TenantRequest, wanted: Wanted, head: Head) -> dict[str, Any]:
    """What changes with every answer: the sentence, the tabs, the number in the navigation."""
    return {
        "wanted": wanted,
        "here": address(request, wanted),
        "back": address(request, wanted).partition("?")[2],
        "head": head,
        "as_of": head.as_of,
        "tabs": [_tab(request, wanted, head, view, at) for at, view in enumerate(_views(request), start=1)],
        "view_label": _label(request, View(wanted.view)),
        "sort_label": queue.sort_label(wanted.sort, with_chance=bool(head.with_chance)).lower(),
        "waiting": head.counts[View.DECISION],
        "day_total": head.counts[View.DECISION] + head.decided_today,
    }


def _done_text(head: Head) -> str:
    number = head.decided_today
    done = f"{number} {'account was' if number == 1 else 'accounts were'} decided today. " if number else ""
    return f"{done}New suggestions come with the next scores."


def rights(request: TenantRequest) -> dict[str, bool]:
    viewer = request.membership
    return {
        "may_work": can(viewer, Right.WORK_QUEUE),
        "may_judge": can(viewer, Right.GIVE_FEEDBACK),
        "may_export": can(viewer, Right.EXPORT),
        "sees_arr": sees(viewer, Field.ARR),
        "sees_owner": queue.may_choose_owner(viewer),
    }


def columns(request: TenantRequest, *, has_chances: bool) -> int:
    """How many columns the reader's table has; with chances one more, and what is at stake beside the ARR."""
    sees_arr = sees(request.membership, Field.ARR)
    return 5 + can(request.membership, Right.WORK_QUEUE) + sees_arr + has_chances + (has_chances and sees_arr)


def row_shown(request: TenantRequest, account_id: int) -> Row | None:
    """One account as the list shows it."""
    if account_id > MOST_ID:
        return None
    standing = queue_page.one(request.tenant, request.membership, account_id=account_id)
    return row_of(request.tenant, request.membership, standing, as_of=standing.as_of) if standing else None


# --- addresses ----------------------------------------------------------------------------------------


def wanted_of(request: TenantRequest, query: QueryDict) -> tuple[Wanted, QueueFilters]:
    form = QueueFilters(query, viewer=request.membership)
    try:
        return form.wanted(), form
    except BadPlace as error:
        raise BadRequest(str(error)) from error


def back_of(request: TenantRequest) -> QueryDict:
    """The list that a form was sent from: only ever a query string of the queue's own address."""
    return QueryDict(request.POST.get("back", request.GET.get("back", ""))[:LONGEST_ADDRESS])


def address(request: TenantRequest, wanted: Wanted, **changes: Any) -> str:
    """The page's address for what is wanted; what is as usual is left out."""
    changed = replace(wanted, **changes)
    usual = Wanted()
    pairs = {
        name: value
        for name, value in vars(changed).items()
        if value != getattr(usual, name) and value is not None
    }
    base = reverse("playbooks:queue", args=[request.tenant.slug])
    return f"{base}?{urlencode(pairs)}" if pairs else base


def _pager(request: TenantRequest, wanted: Wanted, found: queue_page.Page) -> dict[str, str]:
    places = {"newer": {"before": found.newer}, "older": {"after": found.older}}
    urls = {
        side: address(request, wanted.at_start(), **place) if next(iter(place.values())) is not None else ""
        for side, place in places.items()
    }
    rows_url = reverse("playbooks:queue_rows", args=[request.tenant.slug])
    partials = {
        f"{side}_rows": f"{rows_url}?{url.partition('?')[2]}" if url else "" for side, url in urls.items()
    }
    return urls | partials


def _views(request: TenantRequest) -> list[View]:
    return queue.views_for(request.membership)


def _tab(request: TenantRequest, wanted: Wanted, head: Head, view: View, at: int) -> dict[str, Any]:
    number = head.counts[view]
    return {
        "key": str(at),
        "view": view.value,
        "label": _label(request, view),
        "url": address(request, Wanted(view=view.value, sort=wanted.sort)),
        "current": view == wanted.view,
        "count": f"{COUNT_CAP:,}+" if number > COUNT_CAP else f"{number:,}",
    }


def _label(request: TenantRequest, view: View) -> str:
    sees_all = can(request.membership, Right.VIEW_ALL_ACCOUNTS)
    return "All accounts" if view == View.ALL and sees_all else view.label
