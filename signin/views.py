"""A person's own browsers, what was kept while we asked again, and an admin's way to sign somebody out."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from signin import fresh, services, sessions
from signin.agents import words_for
from signin.forms import BrowserForm
from tenants import queries as kernel
from tenants.access import Right, TenantRequest, ask_again, tenant_exempt, tenant_view
from tenants.views import see_other

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@tenant_exempt("a person's own browsers, whatever the workspace")
@never_cache
@GET_OR_POST
@login_required
def browsers(request: HttpRequest) -> HttpResponse:
    """Where I am signed in; a POST ends one of them, or all but this one."""
    if request.method == "POST":
        return _end_own(request)
    here = request.session.session_key
    rows = [
        {"row": each, "is_here": each.session_key == here, "words": words_for(each.agent)}
        for each in sessions.open_browsers(request.user)  # type: ignore[arg-type]
    ]
    rows.sort(key=lambda each: not each["is_here"])
    return render(request, "signin/browsers.html", {"rows": rows})


def _end_own(request: HttpRequest) -> HttpResponse:
    form = BrowserForm(request.POST)
    if not form.is_valid():
        raise Http404("No such browser.")
    here = str(request.session.session_key)
    chosen = form.cleaned_data["browser"]
    which: dict[str, Any] = {"only": chosen} if chosen else {"keep": here}
    count = sessions.end_and_record(request.user, why="ended by the person", request=request, **which)  # type: ignore[arg-type]
    if chosen and not count:
        raise Http404("No such browser.")
    if not sessions.is_still_there(here):
        logout(request)
        return see_other(reverse("account_login"))
    messages.success(request, "Signed out there." if count else "You are signed in nowhere else.")
    return see_other(reverse("signin:browsers"))


@tenant_exempt("sends on what was kept for this person")
@never_cache
@require_GET
@login_required
def again(request: HttpRequest, token: str) -> HttpResponse:
    """After the proof: what was about to be sent, to send it with one press."""
    what = fresh.kept(request, token)
    if what is None:
        messages.info(request, "What you were about to send is no longer kept. Fill it in again.")
        return redirect("/")
    if not fresh.is_fresh(request):
        return redirect(fresh.proof_address(request, request.get_full_path()))
    return render(request, "signin/again.html", {"what": what})


@ask_again("it takes somebody's access away for the moment")
@tenant_view(right=Right.CONFIGURE)
@require_POST
def end_for_member(request: TenantRequest, membership_id: int) -> HttpResponse:
    """An operations admin signs a member out everywhere, such as after a lost laptop."""
    membership = kernel.member(request.tenant, membership_id=membership_id)
    if membership is None or not membership.is_active:
        raise Http404("No such person here.")
    count = services.end_for_member(request.tenant, membership=membership, by=request.actor)
    words = (
        f"{membership.user} is signed out everywhere."
        if count
        else f"{membership.user} was signed in nowhere."
    )
    messages.success(request, words)
    return see_other(reverse("tenants:person", args=[request.tenant.slug, membership.pk]))
