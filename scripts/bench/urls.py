"""The product's addresses and one bare view: one keyset query, 25 rows, no frame. What pages are measured against."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html_join

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as _product
from tenants.access import tenant_exempt

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
KEYSET = """
SELECT h.account_id, a.name, h.health, h.band FROM scoring_accounthealth h
  JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
 WHERE h.tenant_id = %(tenant)s AND (h.priority, h.account_id) < (%(priority)s, 0)
 ORDER BY h.priority DESC, h.account_id DESC LIMIT 25
"""


@tenant_exempt("the bench's baseline sets its tenant itself")
def bare(request: HttpRequest, tenant_id: int) -> HttpResponse:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant_id)])
        cursor.execute(KEYSET, {"tenant": tenant_id, "priority": 1e12})
        rows = cursor.fetchall()
    return HttpResponse(format_html_join("\n", "<tr><td>{}<td>{}<td>{}<td>{}</tr>", rows))


urlpatterns = [*_product, path("bench/bare/<int:tenant_id>/", bare)]
