"""One scoring of a workspace at a time, and none while a person changes what the next one reads of the last."""

from django.db import connection

from tenants.models import Tenant

_SCORING = 7_406  # any fixed number: its class of advisory locks


def scoring_key(tenant: Tenant) -> tuple[int, int]:
    """The advisory lock that a scoring holds from its first read to its last write."""
    return _SCORING, tenant.pk % 2_147_483_647


def keeps_scoring_out(tenant: Tenant) -> bool:
    """Until the transaction ends no scoring may begin; False: one is under way. Does not wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", scoring_key(tenant))
        return bool(cursor.fetchone()[0])
