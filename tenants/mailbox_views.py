"""The mailbox: what a sandbox would have sent, for those who configure it (a mail may hold a link that signs in)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tenants import queries
from tenants.access import Right, TenantRequest, tenant_view

SHOWN = 100


@require_GET
@tenant_view(right=Right.CONFIGURE)
def mailbox(request: TenantRequest) -> HttpResponse:
    return render(
        request, "tenants/mailbox.html", {"mails": list(queries.kept_mails(request.tenant)[:SHOWN])}
    )
