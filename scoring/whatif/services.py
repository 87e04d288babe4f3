"""Asking for a replay of chances, and saving the numbers that were replayed."""

from decimal import Decimal

from django.db import transaction

from audit import services as audit
from jobs import services as jobs
from jobs.models import Job
from scoring.exceptions import PolicyRefused
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings
from tenants.access import Actor
from tenants.models import Tenant

WHAT_IF = "scoring.whatif"


def ask(tenant: Tenant, *, high_from: Decimal, flags_per_csm_week: int, by: Actor) -> Job:
    """Replay these numbers in a job; the same person's same numbers join an unfinished one. Raises PolicyRefused."""
    check_cut(chance_settings(tenant), high_from)
    viewer_id = by.membership.pk if by.membership else 0
    args = {"high_from": str(high_from), "flags_per_csm_week": flags_per_csm_week, "viewer_id": viewer_id}
    key = f"whatif:{high_from}:{flags_per_csm_week}:{viewer_id}"  # another's job is not for everybody to read
    return jobs.enqueue(tenant, kind=WHAT_IF, args=args, by=by, dedupe_key=key)


def check_cut(settings: ChanceSettings, high_from: Decimal) -> None:
    """High lies between medium and critical. Raises PolicyRefused."""
    if not settings.medium_from < high_from < settings.critical_from:
        raise PolicyRefused(
            f"High must begin between medium ({settings.medium_from}) and critical ({settings.critical_from})."
        )


@transaction.atomic
def save(
    tenant: Tenant, *, high_from: Decimal, flags_per_csm_week: int, row_version: int, by: Actor
) -> ChanceSettings:
    """Put replayed numbers in force. Raises PolicyRefused where the settings changed since the replay."""
    row = ChanceSettings.objects.for_tenant(tenant).select_for_update().first() or chance_settings(tenant)
    if (row.high_from, row.flags_per_csm_week) == (high_from, flags_per_csm_week):
        return row  # a second click
    if (row.row_version if row.pk else 0) != row_version:
        raise PolicyRefused("The settings were changed since this replay. Replay once more, then save.")
    check_cut(row, high_from)
    before = {"high_from": str(row.high_from), "flags_per_csm_week": row.flags_per_csm_week}
    row.row_version += 1 if row.pk else 0
    row.high_from, row.flags_per_csm_week = high_from, flags_per_csm_week
    row.save()
    audit.record(
        tenant, verb="scoring.chance_cut_changed", by=by, object_type="scoring.chancesettings",
        object_id=str(row.pk), object_label="Chance settings", before=before,
        after={"high_from": str(high_from), "flags_per_csm_week": flags_per_csm_week},
    )  # fmt: skip
    return row
