"""A row in as many tables as one call can make, so that a boundary has something behind it wherever it is tried."""

import contextlib
from uuid import uuid4

from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from tenants.scoping import TenantModel
from tests import nightly
from tests import permission_table as rows

MAKERS = (
    rows.a_ticket, rows.a_contact, rows.a_share, rows.a_service, rows.a_rejected_row, rows.a_request,
    rows.a_delivery, rows.a_scored_account, rows.a_version, rows.an_observation_made, rows.a_data_report,
    rows.a_notice_of_the_csm, rows.a_waiting_member, nightly.growth, nightly.cohorts, nightly.associated,
    nightly.quality,
)  # fmt: skip


def furnish(house, world):
    """Each maker in a transaction of its own; the account that most of them make gets another name afterwards."""
    from accounts.models import Account

    for number, make in enumerate(MAKERS):
        with house.here(world):
            make(world)
            taken = Account.objects.for_tenant(world.tenant)
            for key in ("ACC-Row's account", "NIGHT-S", "NIGHT-L"):
                taken.filter(external_id=key).update(external_id=f"{key}-{number}")
    with house.here(world):
        _a_row_in_each_empty_table(world.tenant)


def _a_row_in_each_empty_table(tenant):
    """As far as a row of plain values is one that the table takes; two rounds, as some refer to others."""
    empty = [
        model for model in apps.get_models()
        if issubclass(model, TenantModel) and model._meta.managed and not model.objects.for_tenant(tenant).exists()
    ]  # fmt: skip
    for model in [*empty, *empty]:
        if not model.objects.for_tenant(tenant).exists():
            with contextlib.suppress(DatabaseError, ValueError), transaction.atomic():
                model.objects.create(**_values(model, tenant))


def _values(model, tenant):
    found = {"tenant": tenant}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.name == "tenant" or field.has_default() or field.null:
            continue
        if isinstance(field, models.ForeignKey):
            other = field.related_model
            rows = other.objects.for_tenant(tenant) if issubclass(other, TenantModel) else other.objects.all()
            found[field.name] = rows.first()
        else:
            found[field.name] = _plain(field)
    return found


def _plain(field):
    if field.choices:
        return field.choices[0][0]
    day = timezone.now().date()
    kinds = {
        models.DateTimeField: timezone.now(), models.DateField: day, models.JSONField: {},
        models.BinaryField: b"x" * 16,
        models.CharField: "x" * min(field.max_length or 9, 3), models.TextField: "x", models.UUIDField: uuid4(),
    }  # fmt: skip
    return next((value for kind, value in kinds.items() if isinstance(field, kind)), 1)
