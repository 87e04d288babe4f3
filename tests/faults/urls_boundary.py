"""The faults' addresses, and two that test the boundary: a page that reads by a manager alone, and one that fails."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path

from accounts.models import Account, Note
from tenants.access import TenantRequest, tenant_view
from tests.faults.urls import urlpatterns as the_others

NAMES = engines["django"].from_string("{% for account in accounts %}{{ account.name }};{% endfor %}")


@tenant_view()
def names(request: TenantRequest) -> HttpResponse:
    """What the reader's tenant holds, rendered after the view has returned; `?with=<id>` adds an id asked for."""
    found = Account.objects.all()
    if "with" in request.GET:
        found = found.filter(pk=request.GET["with"])
    return TemplateResponse(request, NAMES, {"accounts": found})


@tenant_view()
def breaks(request: TenantRequest, how: str) -> HttpResponse:
    """Writes a note and fails."""
    account = Account.objects.first()
    Note.objects.create(tenant=request.tenant, account=account, text=f"broken {how}", author_label="x")
    if how == "raise":
        raise RuntimeError("on purpose")
    if how == "statement":
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
    if how == "answer":
        return HttpResponse("on purpose", status=500)
    if how == "session":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    transaction.set_rollback(True)
    return HttpResponse("rolled back", status=500)


def bare(request: HttpRequest) -> HttpResponse:
    """A view that somebody forgot to decorate."""
    return HttpResponse(";".join(account.name for account in Account.objects.all()))


urlpatterns = [
    path("t/<slug:slug>/faults/names/", names),
    path("t/<slug:slug>/faults/breaks/<slug:how>/", breaks),
    path("faults/bare/", bare),
    *the_others,
]
