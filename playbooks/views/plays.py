"""The list of plays, one play, and what is done to it as a whole."""

from datetime import date
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from jobs import paging
from playbooks import services
from playbooks.forms import CloseForm, SeenVersion, StopForm
from playbooks.models import Play
from playbooks.queries import plays as queries
from playbooks.services.guards import local_day
from playbooks.views.answers import Context, Place, submit
from playbooks.views.play_page import play_context
from tenants.access import TenantRequest, tenant_view
from tenants.roles import Right

VIEWS = {"mine": "Mine", "all": "All I can see", "late": "Late", "ended": "Ended"}
TASKS_SHOWN = 15
KEYS = [("J K", "move"), ("Enter", "open"), ("D", "mark a task done"), ("1 4", "view")]


@require_GET
@tenant_view()
def play_list(request: TenantRequest) -> HttpResponse:
    context = {**list_context(request), **tasks_context(request), "keys_help": KEYS}
    return render(request, "playbooks/plays/list.html", context)


@require_GET
@tenant_view()
def play_rows(request: TenantRequest) -> HttpResponse:
    return render(request, "playbooks/plays/_rows.html", list_context(request))


@require_GET
@tenant_view()
def tasks(request: TenantRequest) -> HttpResponse:
    """The viewer's own tasks alone."""
    return render(request, "playbooks/plays/_my_tasks.html", tasks_context(request))


def list_context(request: TenantRequest) -> Context:
    """One tab of plays, one page of it, from the query string that page and rows share."""
    today = today_of(request)
    view = request.GET.get("view", "")
    view = view if view in VIEWS else ("mine" if _owns_plays(request) else "all")
    shown = queries.plays_shown(request.tenant, request.membership, view=view, today=today)
    try:
        page = paging.newest_first(
            shown, by=["id"], before=request.GET.get("before", ""), after=request.GET.get("after", "")
        )
    except paging.BadPlace as error:
        raise BadRequest("This page of the list does not exist. Start again from the first one.") from error
    progress = queries.steps_of_plays(request.tenant, page.rows)
    return {
        "page": page,
        "rows": [(play, progress[play.pk]) for play in page.rows],
        "view": view,
        "views": VIEWS,
        "today": today,
        **paging.neighbours(request, page, names=("playbooks:plays", "playbooks:plays_rows")),
    }


def tasks_context(request: TenantRequest, more: Context | None = None) -> Context:
    """What the viewer has to do; one row more than is shown tells whether there are others."""
    found = list(queries.my_tasks(request.tenant, request.membership)[: TASKS_SHOWN + 1])
    return {
        "tasks": found[:TASKS_SHOWN],
        "has_more_tasks": len(found) > TASKS_SHOWN,
        "today": today_of(request),
        "place": "mine",
    }


def _owns_plays(request: TenantRequest) -> bool:
    """Those who work the queue begin with their own plays, those who look on with all."""
    return Right.WORK_QUEUE in request.membership.rights


# --- one play ---------------------------------------------------------------------------------


@require_GET
@tenant_view()
def play_page(request: TenantRequest, play_id: int) -> HttpResponse:
    return render(request, "playbooks/plays/play.html", play_context(request, found_play(request, play_id)))


@require_GET
@tenant_view()
def play_body(request: TenantRequest, play_id: int) -> HttpResponse:
    """Everything below the head; asked again while the play is about to start. Costs of offers follow by themselves."""
    found = queries.play_with_steps(request.tenant, request.membership, play_id=small(play_id))
    if found is None:
        raise Http404("No such play.")
    play, progress = found
    context = play_context(request, play, progress=progress, hints_follow=True)
    return render(request, "playbooks/plays/_body.html", context)


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def close_play(request: TenantRequest, play_id: int) -> HttpResponse:
    found_play(request, play_id)

    def close(values: dict[str, Any]) -> None:
        services.close_play(
            request.tenant,
            play_id=play_id,
            version=values["version"],
            outcome=values["outcome"],
            comment=values["comment"],
            by=request.actor,
        )

    form = CloseForm(request.POST)
    return submit(
        request, lambda: play_place(request, play_id), close, said="Play closed.", form=form, name="close"
    )


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def stop_play(request: TenantRequest, play_id: int) -> HttpResponse:
    found_play(request, play_id)

    def stop(values: dict[str, Any]) -> None:
        services.cancel_play(
            request.tenant,
            play_id=play_id,
            version=values["version"],
            reason=values["reason"],
            by=request.actor,
        )

    form = StopForm(request.POST)
    return submit(
        request, lambda: play_place(request, play_id), stop, said="Play stopped.", form=form, name="stop"
    )


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def undo_play(request: TenantRequest, play_id: int) -> HttpResponse:
    """Take the acceptance back while the play has not started; the version is the suggestion's."""
    recommendation_id = found_play(request, play_id).recommendation_id
    if recommendation_id is None:
        raise Http404("This play did not come from a suggestion.")

    def undo(values: dict[str, Any]) -> None:
        services.undo(
            request.tenant,
            recommendation_id=recommendation_id,
            version=values["version"],
            by=request.actor,
        )

    form = SeenVersion(request.POST)
    return submit(request, lambda: play_place(request, play_id), undo, said="Taken back.", form=form)


def play_place(request: TenantRequest, play_id: int) -> Place:
    """The body of the play's page."""
    play = found_play(request, play_id)
    return Place(
        address=reverse("playbooks:play", args=[request.tenant.slug, play_id]),
        page="playbooks/plays/play.html",
        region="playbooks/plays/_body.html",
        context=lambda more: play_context(request, play, forms=more.get("forms")),
    )


def found_play(request: TenantRequest, play_id: int) -> Play:
    play = queries.play_seen(request.tenant, request.membership, play_id=small(play_id))
    if play is None:
        raise Http404("No such play.")
    return play


def small(number: int) -> int:
    """An id as the database can hold it; any other is nobody's."""
    if number >= 2**63:
        raise Http404
    return number


def today_of(request: TenantRequest) -> date:
    return local_day(request.tenant, timezone.now())
