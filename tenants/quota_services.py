"""Writes about quotas and prices: one taken away, and a table of usage taken along."""

from django.db import models, transaction

from audit import services as audit
from tenants.access import Actor
from tenants.models import Tenant


@transaction.atomic
def remove_from_admin(tenant: Tenant, *, row: models.Model, by: Actor, request_id: str = "") -> None:
    """A row taken away by the admin, with what it was."""
    before = {
        each.name: str(each.value_from_object(row))
        for each in row._meta.local_fields
        if each.name != "tenant"
    }
    audit.record(
        tenant, verb="tenants.admin_removed", by=by, subject=row, before=before, request_id=request_id
    )
    row.delete()


def record_usage_export(tenant: Tenant, *, month: str, by: Actor) -> None:
    audit.record(
        tenant, verb="tenants.usage_exported", by=by, object_type="tenants.usage", object_id=month, object_label=month
    )  # fmt: skip
