"""Start, workspaces, invitations, and the people of a workspace."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants import invitations, queries, services
from tenants.access import Right, TenantRequest, ask_again, tenant_exempt, tenant_view
from tenants.exceptions import InvitationUnusable, Refused
from tenants.forms import FirstPasswordForm, MemberForm, NewPersonForm
from tenants.models import Membership, Tenant, User

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


# --- doors: before a workspace is known ---------------------------------------------------------


@tenant_exempt("leads to the last workspace")
@never_cache
@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    return to_last_tenant(request)


@tenant_exempt("leads to the last workspace")
@never_cache
@require_GET
@login_required
def to_last_tenant(request: HttpRequest, rest: str = "queue/") -> HttpResponse:
    """The same page in the last workspace; the chooser for several, a plain page for none."""
    memberships = list(queries.memberships_of(_user(request)))
    last = next((each for each in memberships if each.tenant_id == _user(request).last_tenant_id), None)
    if last is None and len(memberships) == 1:
        last = memberships[0]
    if last is None:
        return redirect("tenants:workspaces")
    query = request.META.get("QUERY_STRING", "")
    return redirect(f"/t/{last.tenant.slug}/{rest}{'?' + query if query else ''}")


@tenant_exempt("leads to the last workspace")
@never_cache
@require_GET
@login_required
def to_last_account(request: HttpRequest, rest: str) -> HttpResponse:
    return to_last_tenant(request, rest=f"accounts/{rest}")


@tenant_exempt("chooses the workspace")
@never_cache
@GET_OR_POST
@login_required
def workspaces(request: HttpRequest) -> HttpResponse:
    """Which workspaces there are for this person; a POST goes to one and remembers it."""
    memberships = list(queries.memberships_of(_user(request)))
    if request.method == "POST":
        chosen = next((each for each in memberships if each.tenant.slug == request.POST.get("slug")), None)
        if chosen is None:
            raise Http404("No such workspace.")
        services.remember_tenant(_user(request), chosen.tenant)
        return see_other(f"/t/{chosen.tenant.slug}/queue/")
    return render(request, "tenants/workspaces.html", {"memberships": memberships})


@tenant_exempt("the invited person cannot sign in yet; the signed link says who it is")
@never_cache
@GET_OR_POST
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The first password, from a link that works once."""
    try:
        user, tenant = invitations.person_of(token)
        form = FirstPasswordForm(user, request.POST or None)
        if form.is_valid():
            services.accept_invitation(token, password=form.cleaned_data["password"])
            messages.success(request, "Your password is saved. Sign in with it.")
            return see_other("/auth/login/")
    except InvitationUnusable:
        return render(request, "tenants/invitation_unusable.html", status=410)
    status = 422 if form.errors else 200
    return render(
        request, "tenants/invitation.html", {"form": form, "person": user, "at": tenant}, status=status
    )


# --- rooms: inside a workspace ------------------------------------------------------------------


@tenant_view(right=Right.VIEW_ACCOUNTS)
@require_GET
def start(request: TenantRequest) -> HttpResponse:
    """The workspace's address alone: its queue, and the one to come back to."""
    services.remember_tenant(request.membership.user, request.tenant)
    return redirect(f"/t/{request.tenant.slug}/queue/")


@tenant_view(right=Right.CONFIGURE)
@require_GET
def people(request: TenantRequest) -> HttpResponse:
    """Everybody in the workspace, with role, team and scope."""
    members = list(queries.people(request.tenant))
    teams = {team.pk: team.name for team in queries.teams(request.tenant)}
    rows = [
        {"member": each, "team": teams.get(each.team_id or 0, ""), "scope": scope_words(each)}
        for each in members
    ]
    return render(request, "tenants/people.html", {"rows": rows})


@ask_again("it gives somebody a role")
@tenant_view(right=Right.CONFIGURE)
@GET_OR_POST
def new_person(request: TenantRequest) -> HttpResponse:
    form = NewPersonForm(request.tenant, request.POST or None, initial=_usual(request.tenant))
    if form.is_valid():
        try:
            membership, created = _add(request, form)
        except Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            if invitations.may_be_handed_out(membership.user, request.tenant):
                return _with_invitation(request, membership)
            messages.success(request, f"{membership.user} is in this workspace now." if created else "Saved.")
            return see_other(f"/t/{request.tenant.slug}/settings/people/")
    return _person_page(request, form, membership=None)


@ask_again("it changes somebody's role")
@tenant_view(right=Right.CONFIGURE)
@GET_OR_POST
def person(request: TenantRequest, membership_id: int) -> HttpResponse:
    membership = _member_or_404(request.tenant, membership_id)
    form = MemberForm(request.tenant, request.POST or None, membership=membership)
    if form.is_valid():
        try:
            services.change_member(
                request.tenant,
                membership_id=membership.pk,
                role=form.cleaned_data["role"],
                team_id=form.chosen_team.pk if form.chosen_team else None,
                is_active=form.cleaned_data["is_active"],
                scope=form.scope,
                by=request.actor,
                seen=form.cleaned_data["seen"],
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Saved for {membership.user.name or membership.address}.")
            return see_other(f"/t/{request.tenant.slug}/settings/people/")
    return _person_page(request, form, membership=membership)


@ask_again("its link opens an account")
@tenant_view(right=Right.CONFIGURE)
@require_POST
def invite_again(request: TenantRequest, membership_id: int) -> HttpResponse:
    """A fresh link for somebody who has not set a password yet."""
    membership = _member_or_404(request.tenant, membership_id)
    return _with_invitation(request, membership)


def scope_words(membership: Membership) -> str:
    """What narrows this person's view, in one line; empty for nothing."""
    parts = [f"{name} {', '.join(words)}" for name in services.SCOPE if (words := getattr(membership, name))]
    return "; ".join(parts)


def see_other(address: str) -> HttpResponse:
    """303: the browser fetches the page anew with GET, so a reload never sends the form twice."""
    answer = redirect(address)
    answer.status_code = 303
    return answer


def _usual(tenant: Tenant) -> dict[str, Any]:
    """What a new person's form starts with."""
    return {"role": "csm", "team": queries.default_team(tenant)}


def _add(request: TenantRequest, form: NewPersonForm) -> tuple[Membership, bool]:
    return services.add_person(
        request.tenant,
        email=form.cleaned_data["email"],
        name=form.cleaned_data["name"],
        role=form.cleaned_data["role"],
        team=form.chosen_team,
        scope=form.scope,
        by=request.actor,
    )


def _with_invitation(request: TenantRequest, membership: Membership) -> HttpResponse:
    """Makes the link and shows it once, on the person's page: it waits there in the admin's own session."""
    try:
        link = services.record_invitation(request.tenant, membership=membership, by=request.actor)
        request.session["invitation"] = [membership.pk, link]
        _mail(request.tenant, membership.user, link)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return see_other(f"/t/{request.tenant.slug}/settings/people/{membership.pk}/")


def _mail(tenant: Tenant, user: User, link: str) -> None:
    """After the commit, because a slow mail server must hold no lock; a sandbox's mailbox is a table."""
    if tenant.is_sandbox:
        invitations.mail(user, tenant, link)
    else:
        transaction.on_commit(lambda: invitations.mail(user, tenant, link) and None)


def _person_page(request: TenantRequest, form: Any, *, membership: Membership | None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "member": membership, "days": invitations.GOOD_FOR_DAYS}
    if membership is not None and membership.is_active:
        context["waiting"] = invitations.may_be_handed_out(membership.user, request.tenant)
        made_for, link = request.session.pop("invitation", (None, ""))
        context["link"] = link if made_for == membership.pk else ""
        context["mailed"] = settings.SENDS_MAIL and not request.tenant.is_sandbox
    return render(request, "tenants/person.html", context, status=422 if form.errors else 200)


def _member_or_404(tenant: Tenant, membership_id: int) -> Membership:
    membership = queries.member(tenant, membership_id=membership_id)
    if membership is None:
        raise Http404("No such person here.")
    return membership


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)
    return user
