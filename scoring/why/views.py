"""Pages of one account that say why: what changed between two days, and the brief."""

from datetime import date

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from accounts.models import Account
from accounts.queries import visible_account
from scoring.why import changes
from scoring.why.brief import brief_context
from tenants.access import TenantRequest, tenant_view


@require_GET
@tenant_view()
def changes_page(request: TenantRequest, account_id: int) -> HttpResponse:
    """Between any two scored days; without days the last 30."""
    account = account_of(request, account_id)
    since, until = (_day(request.GET.get(name, "")) for name in ("from", "to"))
    context = changes.between(request.tenant, request.membership, account, since, until)
    asked = [name for name in ("from", "to") if request.GET.get(name)]
    wrong = len(asked) > sum(each is not None for each in (since, until))
    if since and until and since > until:
        wrong = True
    context |= {"account": account, "wrong": wrong}
    return render(request, "scoring/why/changes_page.html", context, status=422 if wrong else 200)


@require_GET
@tenant_view()
def brief(request: TenantRequest, account_id: int) -> HttpResponse:
    """For everybody who sees the account, its account executive among them."""
    account = account_of(request, account_id)
    context = brief_context(request.tenant, request.membership, account)
    return render(request, "scoring/why/brief.html", {**context, "account": account})


def account_of(request: TenantRequest, account_id: int) -> Account:
    """The account, or 404 both for a hidden and for an absent one."""
    found = (
        visible_account(request.tenant, request.membership, account_id=account_id)
        if account_id < 2**63
        else None
    )
    if found is None:
        raise Http404("No such account.")
    return found


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
