"""How a form of plays is answered: the fresh region and a notice to htmx, else back to the page (DECISIONS 27)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from playbooks.exceptions import BadInput, Missing, StaleRow
from tenants.access import TenantRequest

ANSWER = "playbooks/plays/_answer.html"
CHANGED = "plays-changed"  # other regions of the page that tell of plays ask for themselves again
Context = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """The region that a form stands in: the page it is on, how both are drawn, and from what.

    `context` gets what a refused form adds: the form with its faults, under the name that the template knows.
    """

    address: str
    page: str
    region: str
    context: Callable[[Context], Context]


def submit(
    request: TenantRequest,
    place: Callable[[], Place],
    act: Callable[[Context], Any],
    *,
    said: str,
    form: Form,
    name: Any = "",
) -> HttpResponse:
    """Check the form, act, and answer. 422 keeps what was typed, 409 shows how things stand now.

    `place` is asked after the act, so that its region is fresh.
    """
    if not form.is_valid():
        return _refused(request, place(), {"forms": {name: form}}, status=422)
    try:
        act(form.cleaned_data)
    except Missing as error:
        raise Http404(str(error)) from error
    except BadInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _refused(request, place(), {"forms": {name: form}}, status=422)
    except StaleRow as error:
        return _refused(request, place(), {"notice": str(error)}, status=409)
    return _done(request, place(), said)


def _done(request: TenantRequest, place: Place, said: str) -> HttpResponse:
    if not is_htmx(request):
        messages.success(request, said)
        return HttpResponseRedirect(place.address, status=303)
    answer = render(request, ANSWER, {**place.context({}), "region": place.region, "said": said})
    answer.headers["HX-Trigger"] = CHANGED
    return answer


def _refused(request: TenantRequest, place: Place, more: Context, *, status: int) -> HttpResponse:
    context = place.context(more) | more
    if not is_htmx(request):
        return render(request, place.page, context | {"is_refused": True}, status=status)
    said = more.get("notice", "")
    return render(
        request, ANSWER, context | {"region": place.region, "said": said, "tone": "high"}, status=status
    )


def is_htmx(request: TenantRequest) -> bool:
    return bool(getattr(request, "htmx", False))
