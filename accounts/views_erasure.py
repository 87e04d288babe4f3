"""Erasing a person: first what would go, then, with the name typed in, going."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import erasure, services
from accounts.forms import EraseForm
from accounts.queries import contact_of, visible_account
from tenants.access import TenantRequest, ask_again, tenant_view
from tenants.roles import Right

MOST_ID = 2**63 - 1


@require_http_methods(["GET", "POST"])
@ask_again("what is erased does not come back")
@tenant_view(right=Right.CONFIGURE)
def erase(request: TenantRequest, account_id: int, contact_id: int) -> HttpResponse:
    account = (
        visible_account(request.tenant, request.membership, account_id=account_id)
        if max(account_id, contact_id) <= MOST_ID
        else None
    )
    contact = contact_of(request.tenant, account, contact_id=contact_id) if account else None
    if account is None or contact is None:
        raise Http404("No such person.")
    form = EraseForm(contact, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        counts = services.erase_person(
            request.tenant, account_id=account.pk, contact_id=contact.pk, by=request.actor
        )
        messages.success(request, f"Erased. {sum(counts.values()):,} rows were changed or deleted.")
        page = reverse("accounts:account", args=[request.tenant.slug, account.pk])
        return HttpResponseRedirect(page, status=303)
    subject = erasure.subject_of(request.tenant, contact)
    context = {
        "account": account, "contact": contact, "form": form, "counts": erasure.preview(subject),
        "others": len(subject.contacts) - 1,
    }  # fmt: skip
    return render(request, "accounts/erase.html", context, status=422 if form.is_bound else 200)
