"""Forms of the account page: sentiment, observations, who left and who came, feedback on reasons."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import Account
from accounts.panels import panels
from accounts.queries import visible_account
from scoring.clock import tenant_today
from scoring.people import corrections, feedback, services
from scoring.people.exceptions import Refused
from scoring.people.forms import DepartedForm, ObservationForm, PersonForm
from scoring.people.panels import NOTICED, SENTIMENT, here, noticed_context, sentiment_context
from scoring.people.queries import may_see_observations
from scoring.people.words import Source
from tenants.access import Right, TenantRequest, tenant_view

MOST_ID = 2**63
LONGEST = {"about": 20, "key": 80, "said": 20, "note": 1_000}


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def sentiment(request: TenantRequest, account_id: int) -> HttpResponse:
    account = account_of(request, account_id)
    context = sentiment_context(request.tenant, request.membership, account, data=request.POST)
    form = context["sentiment_form"]
    ok = _tried(
        form, lambda cleaned: services.set_sentiment(
            request.tenant, account=account, by=request.actor, **cleaned
        )
    )  # fmt: skip
    if not ok:
        return _refused(request, account, SENTIMENT, context)
    return _done(request, account, SENTIMENT, "Sentiment saved. It stands beside the score.")


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def end_sentiment(request: TenantRequest, account_id: int) -> HttpResponse:
    account = account_of(request, account_id)
    services.withdraw_sentiment(request.tenant, account=account, by=request.actor)
    return _done(request, account, SENTIMENT, "The sentiment was taken back.")


@require_POST
@tenant_view()
def observe(request: TenantRequest, account_id: int) -> HttpResponse:
    """Restricted: whoever may not read observations finds no such address."""
    account = _restricted(request, account_id)
    form = ObservationForm(here(request.tenant, account), request.POST, today=tenant_today(request.tenant))
    ok = _tried(
        form, lambda cleaned: services.observe_person(
            request.tenant, account=account, contact_id=int(cleaned.pop("contact")), by=request.actor, **cleaned
        )
    )  # fmt: skip
    if not ok:
        return _refused(request, account, NOTICED, _noticed(request, account, observation_form=form))
    return _done(request, account, NOTICED, "Noted. It counts from its own day until it ends.")


@require_POST
@tenant_view()
def withdraw_observation(request: TenantRequest, account_id: int, observation_id: int) -> HttpResponse:
    account = _restricted(request, account_id)
    known = observation_id < MOST_ID and services.withdraw_observation(
        request.tenant, account=account, observation_id=observation_id, by=request.actor
    )
    if not known:
        raise Http404("No such observation.")
    return _done(request, account, NOTICED, "It counts no longer.")


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def departed(request: TenantRequest, account_id: int) -> HttpResponse:
    """A person left: a correction of the source row, which a later import of the old value does not undo."""
    account = account_of(request, account_id)
    form = DepartedForm(here(request.tenant, account), request.POST, today=tenant_today(request.tenant))
    ok = _tried(
        form, lambda cleaned: corrections.correct(
            request.tenant, account=account, source=Source.CONTACT, row_id=int(cleaned["contact"]),
            field="departed_at", new=str(cleaned["new"]), why=cleaned["why"], by=request.actor,
        )
    )  # fmt: skip
    if not ok:
        return _refused(request, account, NOTICED, _noticed(request, account, departed_form=form))
    return _done(request, account, NOTICED, "Marked as left. The next scoring counts it.")


@require_POST
@tenant_view(right=Right.WORK_QUEUE)
def add_person(request: TenantRequest, account_id: int) -> HttpResponse:
    account = account_of(request, account_id)
    form = PersonForm(request.POST, today=tenant_today(request.tenant))
    ok = _tried(
        form,
        lambda cleaned: services.add_person(request.tenant, account=account, by=request.actor, **cleaned),
    )
    if not ok:
        return _refused(request, account, NOTICED, _noticed(request, account, person_form=form))
    return _done(request, account, NOTICED, "Added. The next scoring counts it.")


@require_POST
@tenant_view(right=Right.GIVE_FEEDBACK)
def give_feedback(request: TenantRequest, account_id: int) -> HttpResponse:
    """One click on a reason or a suggestion; `said` empty takes it back."""
    account = account_of(request, account_id)
    asked = {name: request.POST.get(name, "")[:longest] for name, longest in LONGEST.items()}
    try:
        said = _feedback(request, account, **asked)
    except Refused as refusal:
        return HttpResponse(str(refusal), status=422, content_type="text/plain; charset=utf-8")
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, said)
        page = reverse("accounts:account", args=[request.tenant.slug, account.pk])
        return HttpResponseRedirect(f"{page}?panels=all#panel-{_beside(request)}", status=303)
    mine = feedback.mine(request.tenant, request.membership, account_id=account.pk)
    context = {
        "account": account,
        "about": asked["about"],
        "key": asked["key"],
        "mine": mine.get((asked["about"], asked["key"])),
        "beside": _beside(request),
    }
    return render(request, "scoring/people/_feedback.html", context)


def _beside(request: TenantRequest) -> str:
    """The panel that the buttons stand in: one fact can be a reason of health and of the chance."""
    return "chance" if request.POST.get("beside") == "chance" else "health"


def _feedback(request: TenantRequest, account: Account, *, about: str, key: str, said: str, note: str) -> str:
    if not said:
        feedback.take_back(request.tenant, account=account, about=about, key=key, by=request.actor)
        return "Taken back."
    feedback.give(
        request.tenant, account=account, about=about, key=key, said=said, note=note, by=request.actor
    )
    return "Thank you. It reaches the quality page."


def account_of(request: TenantRequest, account_id: int) -> Account:
    account = (
        visible_account(request.tenant, request.membership, account_id=account_id)
        if account_id < MOST_ID
        else None
    )
    if account is None:
        raise Http404("No such account.")
    return account


def _restricted(request: TenantRequest, account_id: int) -> Account:
    account = account_of(request, account_id)
    if not may_see_observations(request.membership, account):
        raise Http404("No such address.")
    return account


def _tried(form: Any, save: Callable[[dict[str, Any]], Any]) -> bool:
    """Whether the form was saved; what the service refuses stands at its field."""
    if not form.is_valid():
        return False
    try:
        save(dict(form.cleaned_data))
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


def _noticed(request: TenantRequest, account: Account, **forms: Any) -> dict[str, Any]:
    return noticed_context(request.tenant, request.membership, account, forms)


def _refused(request: TenantRequest, account: Account, key: str, context: dict[str, Any]) -> HttpResponse:
    panel = panels[key]
    template = panel.template if request.htmx else "accounts/panel_page.html"  # type: ignore[attr-defined]
    return render(request, template, {**context, "account": account, "panel": panel}, status=422)


def _done(request: TenantRequest, account: Account, key: str, said: str) -> HttpResponse:
    """The fresh panel and what happened; or back to the page."""
    panel = panels[key]
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, said)
        page = reverse("accounts:account", args=[request.tenant.slug, account.pk])
        return HttpResponseRedirect(f"{page}?panels=all#panel-{key}", status=303)
    context = panel.context(request.tenant, request.membership, account)
    context |= {"account": account, "panel": panel, "toast_text": said}
    return render(request, "accounts/_panel_done.html", context)
