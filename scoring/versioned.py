"""What has versions: who made one, who put it in force, when and why. One is in force; others can be reinstated.

Health policies (scoring.policies) and what a workspace decides about chances (scoring.whatif.services) live by these
rules and words. A version keeps its number when it is reinstated, so a number always means the same content.
"""

from typing import Any, TypeVar

from django.db import models
from django.utils import timezone

from audit import services as audit
from scoring.exceptions import PolicyRefused
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import TenantForeignKey, TenantModel


class Versioned(TenantModel):
    """One version: its state, its makers, its reason, and what was computed of it before it was put in force."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    note = models.CharField(max_length=500, blank=True)
    based_on = TenantForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    created_by_label = models.CharField(max_length=300, default="Holdfast")
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True)
    published_by_label = models.CharField(max_length=300, blank=True)
    # the job that computed what would change, and its answer
    preview_job_id = models.BigIntegerField(null=True)
    preview = models.JSONField(null=True)
    row_version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        abstract = True


V = TypeVar("V", bound=Versioned)


def check_retired(row: Versioned) -> None:
    """Only what was in force comes back. Raises PolicyRefused."""
    if row.state != Versioned.State.RETIRED:
        raise PolicyRefused("Only a version that was in force can be reinstated.")


def put_in_force(
    tenant: Tenant,
    row: V,
    current: V | None,
    *,
    verb: str,
    by: Actor,
    label: Any = str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    again: bool = False,
) -> None:
    """Retire `current`, publish `row`, leave the event; `before` and `after` are told beside the versions' names.

    `again`: who first published it and when stand beside its reason and are kept; the event tells of this time.
    """
    if current is not None:  # first, because only one may be published at any moment
        current.state = Versioned.State.RETIRED
        current.save(update_fields=["state"])
    row.state = Versioned.State.PUBLISHED
    if not again:
        row.published_at, row.published_by_label = timezone.now(), by.label[:300]
    row.save(update_fields=["state", "published_at", "published_by_label"])
    was = {"in_force": label(current)} if current is not None else {}
    told = {**was, **(before or {})} or None
    audit.record(
        tenant, verb=verb, by=by, subject=row, before=told, after={"in_force": label(row), **(after or {})}
    )
